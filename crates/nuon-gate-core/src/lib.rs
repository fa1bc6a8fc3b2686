#![doc = include_str!("../README.md")]
//!
//! # The data flow
//!
//! ```text
//! Targets, Pin, WatchSettings ─→ Watch ─→ Instruction ─→ drive ─→ Client ─→ the API
//!                                  ↑                                          │
//!                                  └──────────── Reply (Answer | ApiError) ───┘
//!                                Watch ─→ Event…, Report
//! ```
//!
//! - [`model`] has the API's objects for servers of every version, [`api::Client`] the requests.
//! - [`Rules`] judge a status; [`watch::Watch`] is the whole wait as a pure state machine; [`drive`] connects it to the clock
//!   and the network; [`conclude`](conclude::conclude()) then cancels, and reads what people want to know. Nothing else sleeps.
//! - [`watch::Event`]s report what happens during the wait; the [`report::Report`] is its outcome. A failed deploy or a
//!   silent API is an outcome in the report, not an error.
//! - A [`Shard`] is a part of a run's targets; [`merge`](merge::merge()) combines the [`result`]s of all parts.
//!
//! The root of the crate holds the words that all modules share: ids, targets, verdicts, rules, text and secrets.
//! Everything else is in its own module.
//!
//! Text from the server is [`RemoteText`]; what is shown of it is a [`Line`], which is harmless except for the syntax
//! of the place that shows it. Neither can be printed, so that no such place can forget its escape. No line holds a
//! secret of the run ([`redact`]).

pub mod api;
mod approval;
mod branch;
mod cancelled;
pub mod cause;
mod check;
pub mod conclude;
mod dashboard;
mod drive;
mod healthy;
mod history;
mod hold;
mod id;
pub mod input;
mod judge;
mod kind;
mod labels;
mod log_tail;
pub mod merge;
pub mod model;
mod moment;
pub mod names;
mod paging;
pub mod pins;
mod rate;
pub mod reason;
pub mod redact;
pub mod report;
pub mod resolve;
pub mod result;
pub mod schedule;
mod secret;
mod shard;
mod shorten;
mod target;
mod text;
pub mod timeline;
mod verdict;
mod wait;
pub mod watch;

pub use self::api::ApiUrl;
pub use self::approval::ApprovalPlace;
pub use self::branch::{BranchPlace, BranchRef, GroupReport, InvalidBranchRef, RunReport, WaitingInstall};
pub use self::cancelled::Cancelled;
pub use self::check::{CheckName, CheckStatus, InvalidCheckName, PushedCheck};
pub use self::dashboard::Dashboard;
pub use self::drive::{drive, drive_with};
pub use self::healthy::{Bake, Checked, HealthReport};
pub use self::history::History;
pub use self::hold::{Behind, Hold};
pub use self::id::{
    AppId, ApprovalId, BranchId, BuildId, ComponentId, DeployId, GroupRunId, InstallComponentId, InstallId, InvalidId,
    LogStreamId, OrgId, RunId, StepId, StepTargetId, WorkflowId,
};
pub use self::judge::{ContradictoryRules, Judgement, Rules};
pub use self::kind::Kind;
pub use self::labels::{InvalidLabel, Label, Labels};
pub use self::log_tail::Logged;
pub use self::moment::Moment;
pub use self::secret::{ApiToken, IdentityToken, InvalidToken, bare_token};
pub use self::shard::{InvalidShard, Shard, ShardReport, ShardedRunId, Sharding};
pub use self::target::{MatchedBy, Require, Target, Targets};
pub use self::text::{Line, RemoteText};
pub use self::verdict::{Clock, Signal, Verdict};
pub use self::wait::{WaitOptions, wait};
