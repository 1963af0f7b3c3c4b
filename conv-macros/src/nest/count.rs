//! What a nest costs the compiler: the statements it is made of, loops counted once.

use std::ops::AddAssign;

use super::{Nest, Stmt};

/// Numbers of statements in the text of a nest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Multiply-accumulates of vectors, and additions.
    pub(crate) fmas: usize,
    /// Loads and splats.
    pub(crate) loads: usize,
    /// Stores of vectors, and scattered tiles.
    pub(crate) stores: usize,
    /// All statements.
    pub(crate) statements: usize,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.fmas += other.fmas;
        self.loads += other.loads;
        self.stores += other.stores;
        self.statements += other.statements;
    }
}

impl Nest {
    pub(crate) fn count(&self) -> Count {
        count(&self.body)
    }
}

fn count(body: &[Stmt]) -> Count {
    let mut total = Count::default();
    for stmt in body {
        total.statements += 1;
        match stmt {
            Stmt::For { body, .. } | Stmt::Tiles { body, .. } | Stmt::Groups { body, .. } => {
                total += count(body);
            }
            Stmt::Choose { then, otherwise, .. } => {
                total += count(then);
                total += count(otherwise);
            }
            Stmt::Start { .. } | Stmt::Set { .. } | Stmt::Sides(_) => total.loads += 1,
            Stmt::Fma { .. } | Stmt::Add { .. } | Stmt::Subtract { .. } => total.fmas += 1,
            Stmt::Combine { terms, .. } => total.fmas += terms.len(),
            Stmt::StoreToRow { .. }
            | Stmt::Store { .. }
            | Stmt::StoreFirst { .. }
            | Stmt::StoreOver { .. }
            | Stmt::AddLanes { .. }
            | Stmt::Scatter { .. } => {
                total.stores += 1;
            }
            Stmt::Local { .. }
            | Stmt::Move { .. }
            | Stmt::Window { .. }
            | Stmt::Row { .. }
            | Stmt::PaddedRows(_)
            | Stmt::WindowOfRow { .. }
            | Stmt::WindowMut { .. }
            | Stmt::Let { .. }
            | Stmt::OutputRows { .. }
            | Stmt::Copy { .. } => {}
        }
    }
    total
}
