//! A picture like a photograph, from nothing: balls on a tiled floor below a cloudy sky, with shadows and grain.
//!
//! Each pixel is one ray through a small world. The same picture on every machine, up to rounding.

use crate::picture::Picture;

type Vector = [f32; 3];

struct Ball {
    middle: Vector,
    radius: f32,
    color: Vector,
    /// How strong its pattern is.
    rough: f32,
}

const BALLS: [Ball; 5] = [
    Ball { middle: [-1.9, 1.0, 6.2], radius: 1.0, color: [0.82, 0.22, 0.16], rough: 0.1 },
    Ball { middle: [0.45, 1.35, 7.6], radius: 1.35, color: [0.92, 0.74, 0.32], rough: 0.9 },
    Ball { middle: [2.7, 0.85, 5.9], radius: 0.85, color: [0.16, 0.42, 0.72], rough: 0.1 },
    Ball { middle: [0.7, 0.45, 4.3], radius: 0.45, color: [0.88, 0.88, 0.9], rough: 0.5 },
    Ball { middle: [-3.9, 0.7, 7.9], radius: 0.7, color: [0.3, 0.58, 0.26], rough: 0.9 },
];

/// Where the eye is, and where the light comes from.
const EYE: Vector = [0.0, 1.7, 0.0];
const LIGHT: Vector = [-0.53, 0.72, -0.45];

/// The picture in this size.
#[expect(clippy::cast_precision_loss, reason = "pictures are small")]
pub(crate) fn draw(width: usize, height: usize) -> Picture {
    let [w, h] = [width, height].map(|side| side as f32);
    Picture::from_fn(width, height, |x, y| {
        let [x, y] = [x, y].map(|at| at as f32);
        let ray = unit([(x - w / 2.0) / h * 1.15, 0.42 - y / h, 1.0]);
        let grain = 0.03 * (hash(x, y) - 0.5);
        seen(EYE, ray).map(|light| light.max(0.0).sqrt() + grain)
    })
}

/// The light that comes from where the ray goes.
fn seen(from: Vector, ray: Vector) -> Vector {
    if let Some((ball, distance)) = hit(from, ray) {
        let point = along(from, ray, distance);
        let normal = minus(point, ball.middle).map(|side| side / ball.radius);
        let pattern =
            1.0 - ball.rough * 0.6 * cloud(normal[0] * 6.0 + 9.0, normal[1] * 6.0 + normal[2] * 4.0, 5);
        return shaded(point, normal, ray, ball.color.map(|color| color * pattern));
    }
    if ray[1] < -0.001 {
        let distance = -from[1] / ray[1];
        let point = along(from, ray, distance);
        let floor = shaded(point, [0.0, 1.0, 0.0], ray, tiles(point));
        return mixed(floor, sky(ray), (distance / 45.0).min(1.0));
    }
    sky(ray)
}

/// The nearest ball on the way.
fn hit(from: Vector, ray: Vector) -> Option<(&'static Ball, f32)> {
    let hits = BALLS.iter().filter_map(|ball| {
        let way = minus(ball.middle, from);
        let nearest = dot(way, ray);
        let inside = ball.radius * ball.radius - dot(way, way) + nearest * nearest;
        let distance = nearest - inside.max(0.0).sqrt();
        (inside > 0.0 && distance > 0.001).then_some((ball, distance))
    });
    hits.min_by(|a, b| a.1.total_cmp(&b.1))
}

/// A surface in the light of the sun, unless something is in the way, and of the sky.
fn shaded(point: Vector, normal: Vector, ray: Vector, color: Vector) -> Vector {
    let light = unit(LIGHT);
    let lit = hit(along(point, normal, 0.002), light).is_none();
    let sun = if lit { dot(normal, light).max(0.0) } else { 0.0 };
    let mirrored = along(ray, normal, -2.0 * dot(ray, normal));
    let glint = if lit && normal[1] < 0.999 { dot(mirrored, light).max(0.0).powi(60) } else { 0.0 };
    let near = (1.0 - point[1]).clamp(0.0, 1.0) * 0.1;
    color.map(|color| color * (0.16 - near + 0.95 * sun) + 0.7 * glint)
}

/// The floor's colour: tiles of worn stone, with joints.
fn tiles(point: Vector) -> Vector {
    let [x, z] = [point[0] * 1.1 + 100.0, point[2] * 1.1 + 100.0];
    let dark = (x.floor() + z.floor()).rem_euclid(2.0) > 0.5;
    let joint = [x, z].into_iter().any(|at| at.fract() < 0.03);
    let stone = 0.75 + 0.5 * (cloud(x * 5.0, z * 5.0, 6) - 0.5);
    let base = if joint {
        [0.12, 0.11, 0.1]
    } else if dark {
        [0.23, 0.2, 0.19]
    } else {
        [0.66, 0.62, 0.56]
    };
    base.map(|color| color * stone)
}

/// Clouds that thin out towards the horizon.
fn sky(ray: Vector) -> Vector {
    let up = ray[1].max(0.0);
    let blue = mixed([0.72, 0.78, 0.84], [0.13, 0.3, 0.62], (up * 2.2).min(1.0));
    let clouds = cloud(ray[0] / (up + 0.12) * 1.6 + 40.0, ray[2] / (up + 0.12) * 1.6, 6);
    mixed(blue, [0.93, 0.93, 0.95], ((clouds - 0.48) * 3.0).clamp(0.0, 1.0) * (up * 6.0).min(1.0))
}

/// Noise of several sizes on top of each other, from 0 to 1.
fn cloud(x: f32, y: f32, octaves: u8) -> f32 {
    let (mut sum, mut size) = (0.0, 1.0);
    for _ in 0..octaves {
        sum += 0.5 * smooth(x * size, y * size) / size;
        size *= 2.0;
    }
    sum
}

/// Random numbers on a grid, and what lies between them.
fn smooth(x: f32, y: f32) -> f32 {
    let [u, v] = [x, y].map(|at| at.rem_euclid(1.0)).map(|at| at * at * (3.0 - 2.0 * at));
    let [x, y] = [x.floor(), y.floor()];
    let row = |y| hash(x, y) * (1.0 - u) + hash(x + 1.0, y) * u;
    row(y) * (1.0 - v) + row(y + 1.0) * v
}

/// A number from 0 to 1 that looks random.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any bits will do")]
fn hash(x: f32, y: f32) -> f32 {
    let mut bits = (x as i32 as u32).wrapping_mul(0x9e37_79b1) ^ (y as i32 as u32).wrapping_mul(0x85eb_ca77);
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x2c1b_3c6d);
    bits = (bits ^ (bits >> 12)).wrapping_mul(0x297a_2d39);
    f32::from((bits >> 16) as u16) / 65535.0
}

fn dot(a: Vector, b: Vector) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn minus(a: Vector, b: Vector) -> Vector {
    along(a, b, -1.0)
}

/// From a point so far in a direction.
fn along(from: Vector, ray: Vector, distance: f32) -> Vector {
    [0, 1, 2].map(|axis| from[axis] + distance * ray[axis])
}

fn unit(vector: Vector) -> Vector {
    let length = dot(vector, vector).sqrt();
    vector.map(|side| side / length)
}

fn mixed(a: Vector, b: Vector, share: f32) -> Vector {
    [0, 1, 2].map(|axis| a[axis] + (b[axis] - a[axis]) * share)
}
