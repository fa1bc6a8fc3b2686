//! What each endpoint answers. Each file adds its endpoints to the state.

mod approvals;
mod await_step;
mod branches;
mod cancel;
mod checks;
mod deploys;
mod health;
mod installs;
mod logs;
mod observed;
mod page;
mod trigger;
mod workflows;

pub(crate) use self::observed::Observed;
