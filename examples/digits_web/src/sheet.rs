//! [`Sheet`]: what is drawn, and how it becomes one of the small images that the network was trained on.
//!
//! Those were made from scans of 32 x 32 pixels that the digit fills from top to bottom; each pixel of the 8 x 8 is the
//! share of ink in a square of 4 x 4.

use digits_embedded::Image;

/// A square sheet of paper with sides of length 1.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    strokes: Vec<[Point; 2]>,
}

/// Right and down from the upper left corner.
type Point = [f32; 2];

/// Squares that each pixel is divided into, along an axis: those with their middle in the ink are counted.
const PARTS: u16 = 8;

/// Half the width of the pen, in pixels.
const PEN: f32 = 0.75;

impl Sheet {
    /// Draws a line.
    pub fn stroke(&mut self, from: Point, to: Point) {
        self.strokes.push([from, to]);
    }

    /// The drawing as the network wants it, or `None` if the sheet is blank.
    #[must_use]
    pub fn image(&self) -> Option<Image> {
        let strokes = self.fitted()?;
        let mut image = Image::default();
        for (y, row) in (0_u16..).zip(&mut image) {
            for (x, pixel) in (0_u16..).zip(row) {
                *pixel = ink(&strokes, x, y);
            }
        }
        Some(image)
    }

    /// The strokes in pixels: as large as fits the image, in its middle, the pen's own width included.
    fn fitted(&self) -> Option<Vec<[Point; 2]>> {
        let points = || self.strokes.iter().flatten();
        let low = points().copied().reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1])])?;
        let high = points().copied().reduce(|a, b| [a[0].max(b[0]), a[1].max(b[1])])?;
        let side = (high[0] - low[0]).max(high[1] - low[1]).max(f32::EPSILON);
        let scale = (8.0 - 2.0 * PEN) / side;
        let place = |point: Point| {
            [0, 1].map(|axis| 4.0 + (point[axis] - f32::midpoint(low[axis], high[axis])) * scale)
        };
        Some(self.strokes.iter().map(|stroke| stroke.map(place)).collect())
    }
}

/// The share of ink in a pixel.
fn ink(strokes: &[[Point; 2]], x: u16, y: u16) -> f32 {
    let middle = |pixel: u16, part: u16| f32::from(pixel) + (f32::from(part) + 0.5) / f32::from(PARTS);
    let parts = (0..PARTS).flat_map(|v| (0..PARTS).map(move |u| [middle(x, u), middle(y, v)]));
    let inked = parts.filter(|part| strokes.iter().any(|stroke| distance(*part, *stroke) <= PEN));
    inked.map(|_| 1.0).sum::<f32>() / f32::from(PARTS * PARTS)
}

/// From a point to the nearest one of a line.
fn distance(point: Point, [from, to]: [Point; 2]) -> f32 {
    let [along, away] = [[to[0] - from[0], to[1] - from[1]], [point[0] - from[0], point[1] - from[1]]];
    let length = along[0] * along[0] + along[1] * along[1];
    let at =
        if length > 0.0 { ((away[0] * along[0] + away[1] * along[1]) / length).clamp(0.0, 1.0) } else { 0.0 };
    (away[0] - at * along[0]).hypot(away[1] - at * along[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_sheet_is_no_image() {
        assert_eq!(Sheet::default().image(), None);
    }

    #[test]
    fn a_line_fills_the_image_from_top_to_bottom_in_its_middle() {
        let mut sheet = Sheet::default();
        sheet.stroke([0.2, 0.1], [0.2, 0.3]);
        let image = sheet.image().expect("there is a line");
        for row in &image[1..7] {
            assert_eq!(row[..3], [0.0; 3]);
            assert_eq!(row[3..5], [0.75; 2]);
            assert_eq!(row[5..], [0.0; 3]);
        }
        assert!(
            (0.3..0.75).contains(&image[0][3]) && image[0][3].to_bits() == image[7][4].to_bits(),
            "{image:?}"
        );
    }

    #[test]
    fn a_dot_is_a_dot() {
        let mut sheet = Sheet::default();
        sheet.stroke([0.9, 0.9], [0.9, 0.9]);
        let image = sheet.image().expect("there is a dot");
        let ink: f32 = image.as_flattened().iter().sum();
        assert!((ink - std::f32::consts::PI * PEN * PEN).abs() < 0.2, "{image:?}");
    }
}
