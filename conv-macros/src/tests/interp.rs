//! The meaning of a nest: an interpreter, lane by lane.
//!
//! It checks what safe Rust would check (windows within buffers, loads within windows) and what it would
//! not: that nothing is read before it was written, for unwritten memory holds NaN.

use std::collections::HashMap;

use super::layers::{inside, signed};
use crate::nest::{Buffer, Extent, Index, Nest, PaddedRows, Reg, Sides, Size, Stmt, Vector};

/// The memory and the registers of a running kernel.
pub(super) struct Interpreter {
    lanes: usize,
    sizes: HashMap<Size, usize>,
    variables: HashMap<&'static str, usize>,
    buffers: HashMap<Buffer, Vec<f64>>,
    windows: HashMap<Reg, (Buffer, usize, usize)>,
    registers: HashMap<Reg, Vec<f64>>,
}

/// Runs a nest over these buffers and returns what it made of the output.
pub(super) fn run<const N: usize>(
    nest: &Nest,
    sizes: &[(Size, usize)],
    buffers: [(Buffer, Vec<f64>); N],
) -> Vec<f64> {
    let mut interpreter = Interpreter {
        lanes: nest.lanes,
        sizes: sizes.iter().copied().collect(),
        variables: HashMap::new(),
        buffers: buffers.into_iter().collect(),
        windows: HashMap::new(),
        registers: HashMap::new(),
    };
    interpreter.body(&nest.body);
    interpreter.buffers.remove(&Buffer::Output).expect("the output was given")
}

impl Interpreter {
    fn body(&mut self, body: &[Stmt]) {
        for stmt in body {
            self.statement(stmt);
        }
    }

    fn statement(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::For { var, from, to, body } => {
                for value in self.index(from)..self.index(to) {
                    self.variables.insert(var.0, value);
                    self.body(body);
                }
            }
            Stmt::Tiles { var, from, extent, step, body } => {
                let (from, extent) = (self.index(from), self.index(extent));
                assert!(from == extent || extent >= *step, "a tile of {step} does not fit {extent}");
                for tile in 0..(extent - from).div_ceil(*step) {
                    self.variables.insert(var.0, (from + tile * step).min(extent - step));
                    self.body(body);
                }
            }
            Stmt::Groups { count, steps, body } => {
                for group in 0..self.index(count) {
                    self.moved(steps, group, body);
                }
            }
            Stmt::Choose { value, at_least, then, otherwise } => {
                let taken = if self.index(value) >= *at_least { then } else { otherwise };
                self.body(taken);
            }
            Stmt::Local { buffer, len } => {
                self.buffers.insert(*buffer, vec![0.0; *len]);
            }
            Stmt::Let { var, value } => {
                let value = self.index(value);
                self.variables.insert(var.0, value);
            }
            Stmt::Window { name, buffer, at, len } | Stmt::WindowMut { name, buffer, at, len } => {
                assert_ne!(name.to_string(), buffer.to_string(), "a window hides its buffer from the next");
                let at = self.index(at);
                assert!(at + len <= self.buffers[buffer].len(), "{name} = {buffer}[{at}; {len}] is outside");
                self.windows.insert(name.clone(), (*buffer, at, *len));
            }
            Stmt::Row { name, buffer, at, len } => {
                let (at, len) = (self.index(at), self.index(len));
                assert!(at + len <= self.buffers[buffer].len(), "{name} = {buffer}[{at}; {len}] is outside");
                self.windows.insert(name.clone(), (*buffer, at, len));
            }
            Stmt::PaddedRows(rows) => self.padded_rows(rows),
            Stmt::WindowOfRow { name, row, at, len } => {
                let ((buffer, start, most), at) = (self.windows[row], self.index(at));
                assert!(at + len <= most, "{name} = {row}[{at}; {len}] is outside");
                self.windows.insert(name.clone(), (buffer, start + at, *len));
            }
            Stmt::OutputRows { name, planes, rows, plane, at, len } => {
                let [plane, at, len] = [plane, at, len].map(|index| self.index(index));
                assert!(at + rows * len <= plane, "rows are within their plane");
                for (o, t) in (0..*planes).flat_map(|o| (0..*rows).map(move |t| (o, t))) {
                    let row = (Buffer::Output, o * plane + at + t * len, len);
                    self.windows.insert(Reg::new(name, &[o, t]), row);
                }
            }
            Stmt::Start { acc: reg, value } | Stmt::Set { reg, value } => {
                let value = self.value(value);
                self.registers.insert(reg.clone(), value);
            }
            Stmt::Fma { acc, a, b } => {
                let (a, b) = (self.registers[a].clone(), self.registers[b].clone());
                let acc = self.registers.get_mut(acc).expect("started");
                for ((acc, a), b) in acc.iter_mut().zip(a).zip(b) {
                    *acc += a * b;
                }
            }
            Stmt::Combine { reg, terms } => {
                let mut sum = vec![0.0; self.lanes];
                for (factor, term) in terms {
                    for (sum, value) in sum.iter_mut().zip(&self.registers[term]) {
                        *sum += factor * value;
                    }
                }
                self.registers.insert(reg.clone(), sum);
            }
            Stmt::Move { to, from } => {
                let value = self.registers[from].clone();
                *self.registers.get_mut(to).expect("started") = value;
            }
            Stmt::Sides(sides) => self.sides(sides),
            Stmt::Add { acc, a } => self.add(acc, a, 1.0),
            Stmt::Subtract { acc, a } => self.add(acc, a, -1.0),
            stores => self.store(stores),
        }
    }

    /// Runs a body whose buffers begin `group` steps further on.
    fn moved(&mut self, steps: &[(Buffer, Index)], group: usize, body: &[Stmt]) {
        let mut passed = Vec::new();
        for (buffer, step) in steps {
            let at = group * self.index(step);
            let all = self.buffers.get_mut(buffer).expect("given");
            let rest = all.split_off(at);
            passed.push((buffer, std::mem::replace(all, rest)));
        }
        self.body(body);
        for (buffer, mut all) in passed {
            let rest = self.buffers.get_mut(buffer).expect("given");
            all.append(rest);
            *rest = all;
        }
    }

    fn padded_rows(&mut self, rows: &PaddedRows) {
        let PaddedRows { buffer, names, extent, mode, plane, first, padding: [above, below], image } = rows;
        let [plane, first, height, width] =
            [plane, first, &image[0], &image[1]].map(|index| self.index(index));
        for (r, name) in names.iter().enumerate() {
            let row = signed(first + r) - signed(*above);
            assert!(r < *above || r + below >= names.len() || (0..signed(height)).contains(&row));
            let (buffer, start) = match inside(*mode, row, height) {
                Some(row) => (*buffer, plane + row * width),
                None => (Buffer::Work, 0),
            };
            let Some(name) = name else { continue };
            let rest = self.buffers[&buffer].len() - start;
            let len = if *extent == Extent::Rest { rest } else { width };
            assert!(len <= rest, "{name} is outside");
            self.windows.insert(name.clone(), (buffer, start, len));
        }
    }

    /// Lays the row out with what stands beside it: its beginning and its end are known, which is enough.
    fn sides(&mut self, sides: &Sides) {
        let (lanes, rest) = (self.lanes, self.index(&sides.rest));
        let [first, last] = sides.from.each_ref().map(|reg| self.registers[reg].clone());
        let [left, right] = sides.padding;
        // Two vectors are a row long enough, for padding reads no further.
        let row = [first, last].concat();
        let at = |at: isize| {
            let padded = -signed(left) <= at && at < signed(row.len() + right);
            padded.then(|| inside(sides.mode, at, row.len())).flatten().map_or(0.0, |at| row[at])
        };
        let starts = [-signed(left), signed(2 * lanes - rest), signed(3 * lanes - rest)];
        for (reg, start) in sides.made.iter().zip(starts) {
            let values = (0..lanes).map(|lane| at(start + signed(lane))).collect();
            if let Some(reg) = reg {
                self.registers.insert(reg.clone(), values);
            }
        }
    }

    fn add(&mut self, acc: &Reg, a: &Reg, sign: f64) {
        let a = self.registers[a].clone();
        let acc = self.registers.get_mut(acc).expect("started");
        for (acc, a) in acc.iter_mut().zip(a) {
            *acc += sign * a;
        }
    }

    fn store(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Store { reg, buffer, at } => self.write(reg, *buffer, at, self.lanes),
            Stmt::StoreFirst { reg, buffer, at, count } => {
                let count = self.index(count);
                assert!(count <= self.lanes, "{count} lanes of {}", self.lanes);
                self.write(reg, *buffer, at, count);
            }
            Stmt::StoreOver { reg, buffer, at, count } => {
                let (count, at) = (self.index(count), self.index(at));
                let room = self.buffers[buffer].len() - at;
                let count = if self.lanes <= room { self.lanes } else { count };
                self.write(reg, *buffer, &Index::Const(at), count);
            }
            Stmt::StoreToRow { reg, row, at, count } => {
                let (buffer, start, len) = self.windows[row];
                let count = count.as_ref().map_or(self.lanes, |count| self.index(count));
                let at = self.index(at);
                assert!(at + count <= len && count <= self.lanes, "{row}[{at}; {count}] is outside");
                self.write(reg, buffer, &Index::Const(start + at), count);
            }
            Stmt::AddLanes { sums, buffer } => {
                for (reg, at) in sums {
                    let (at, sum) = (self.index(at), self.registers[reg].iter().sum::<f64>());
                    self.buffers.get_mut(buffer).expect("given")[at] += sum;
                }
            }
            Stmt::Scatter { from: (buffer, from), pixels, width, channels, plane, at } => {
                let [plane, at, from, pixels] = [plane, at, from, pixels].map(|index| self.index(index));
                for c in 0..*channels {
                    for p in 0..pixels {
                        let value = self.buffers[buffer][from + p * width + c];
                        self.buffers.get_mut(&Buffer::Output).expect("given")[c * plane + at + p] = value;
                    }
                }
            }
            Stmt::Copy { from, to, len } => {
                let values = self.buffers[&from.0][from.1..from.1 + len].to_vec();
                self.buffers.get_mut(&to.0).expect("local or given")[to.1..to.1 + len]
                    .copy_from_slice(&values);
            }
            _ => unreachable!("every other statement is run above"),
        }
    }

    fn write(&mut self, reg: &Reg, buffer: Buffer, at: &Index, count: usize) {
        let (at, values) = (self.index(at), self.registers[reg][..count].to_vec());
        self.buffers.get_mut(&buffer).expect("local or given")[at..at + count].copy_from_slice(&values);
    }

    fn value(&self, value: &Vector) -> Vec<f64> {
        match value {
            Vector::Zero => vec![0.0; self.lanes],
            Vector::Load { window, at } => self.window(window)[*at..at + self.lanes].to_vec(),
            Vector::Splat { window, at } => vec![self.window(window)[*at]; self.lanes],
            Vector::SplatOf { row, at } => vec![self.window(row)[self.index(at)]; self.lanes],
            Vector::Part { row, at, len } => {
                let (row, len) = (self.window(row), self.index(len));
                (*at..at + self.lanes).map(|at| if at < len { row[at] } else { 0.0 }).collect()
            }
            Vector::Last { window, count } => {
                let before = self.lanes - self.index(count);
                let window = self.window(window).iter().enumerate();
                window.map(|(at, value)| if at < before { 0.0 } else { *value }).collect()
            }
            Vector::Keep { reg, lanes } => {
                let kept = |(lane, value): (usize, &f64)| if lanes >> lane & 1 == 1 { *value } else { 0.0 };
                self.registers[reg].iter().enumerate().map(kept).collect()
            }
            Vector::Pick { reg, lanes } => {
                assert_eq!(lanes.len(), self.lanes);
                lanes.iter().map(|lane| self.registers[reg][usize::from(*lane)]).collect()
            }
            Vector::Unzip { low, high, odd, crossed } => {
                let both = self.registers[low].iter().chain(&self.registers[high]);
                let lanes: Vec<_> = both.skip(usize::from(*odd)).step_by(2).copied().collect();
                if *crossed { cross(&lanes) } else { lanes }
            }
            Vector::Cross { reg } => cross(&self.registers[reg]),
            Vector::Same { reg } => self.registers[reg].clone(),
            Vector::Slide { low, high, by } => {
                assert!((1..self.lanes).contains(by), "{by} of {} lanes", self.lanes);
                let (low, high) = (&self.registers[low], &self.registers[high]);
                [&low[*by..], &high[..*by]].concat()
            }
        }
    }

    fn window(&self, name: &Reg) -> &[f64] {
        let (buffer, start, len) = self.windows[name];
        &self.buffers[&buffer][start..start + len]
    }

    fn index(&self, index: &Index) -> usize {
        match index {
            Index::Const(value) | Index::Opaque(value) => *value,
            Index::Size(size) => self.sizes[size],
            Index::Var(var) => self.variables[var.0],
            Index::Sum(a, b) => self.index(a) + self.index(b),
            Index::Product(a, b) => self.index(a) * self.index(b),
            Index::Quotient(a, b) => self.index(a) / b,
            Index::Remainder(a, b) => self.index(a) % b,
            Index::Difference(a, b) => self.index(a).saturating_sub(self.index(b)),
            Index::AtMost(a, b) => self.index(a).min(self.index(b)),
            Index::Tiles(a, b) => self.index(a).div_ceil(*b),
        }
    }
}

/// The second and the third quarter exchanged.
fn cross(lanes: &[f64]) -> Vec<f64> {
    let quarters: Vec<_> = lanes.chunks(lanes.len() / 4).collect();
    [quarters[0], quarters[2], quarters[1], quarters[3]].concat()
}
