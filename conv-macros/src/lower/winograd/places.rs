//! Places of a buffer that one tile uses together.

use crate::nest::{Buffer, Index, Reg, Stmt, Vector};

/// From the `first` to the `last` after it: one window of all of them, where their distances are known, and else a
/// window of each.
pub(super) struct Places {
    pub(super) name: &'static str,
    pub(super) buffer: Buffer,
    pub(super) first: Index,
    /// Counted from the first.
    pub(super) last: Index,
}

impl Places {
    fn window(&self) -> Reg {
        Reg::new(self.name, &[])
    }

    /// The window of all of them, vectors of so many lanes.
    pub(super) fn open(&self, lanes: usize, to_store: bool) -> Option<Stmt> {
        let (name, buffer, at) = (self.window(), self.buffer, self.first.clone());
        let len = self.last.constant()? + lanes;
        Some(if to_store {
            Stmt::WindowMut { name, buffer, at, len }
        } else {
            Stmt::Window { name, buffer, at, len }
        })
    }

    /// Stores to the place that is so far after the first.
    pub(super) fn store(&self, reg: Reg, at: Index) -> Stmt {
        if self.last.constant().is_some() {
            Stmt::StoreToRow { reg, row: self.window(), at, count: None }
        } else {
            Stmt::Store { reg, buffer: self.buffer, at: at + self.first.clone() }
        }
    }

    /// Loads from it.
    pub(super) fn load(&self, reg: Reg, at: Index, lanes: usize) -> Vec<Stmt> {
        if let (Some(_), Some(at)) = (self.last.constant(), at.constant()) {
            let value = Vector::Load { window: self.window(), at };
            return vec![Stmt::Set { reg, value }];
        }
        let (name, at) = (Reg(format!("{}_of_{}", self.name, reg.0)), at + self.first.clone());
        let value = Vector::Load { window: name.clone(), at: 0 };
        vec![Stmt::Window { name, buffer: self.buffer, at, len: lanes }, Stmt::Set { reg, value }]
    }
}
