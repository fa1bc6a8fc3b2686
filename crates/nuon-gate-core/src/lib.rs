#![doc = include_str!("../README.md")]
//!
//! # The data flow
//!
//! ```text
//! Targets, Pin, WatchSettings ─→ Watch ─→ Step ─→ drive ─→ Client ─→ the API
//!                                  ↑                                   │
//!                                  └────────── Reply (Answer | ApiError) ┘
//!                                Watch ─→ Event…, Report
//! ```
//!
//! - [`model`] has the API's objects for servers of every version, [`api::Client`] the requests.
//! - [`Rules`] judge a status; [`watch::Watch`] is the whole wait as a pure state machine; [`drive`] connects it to the clock
//!   and the network; [`conclude`](conclude::conclude()) then cancels, and reads what people want to know. Nothing else sleeps.
//! - [`watch::Event`]s report what happens as it happens; the [`report::Report`] is what it came to. That a deploy failed or that the
//!   API was silent are outcomes in the report, not errors.
//! - A [`Shard`] is a part of a run's targets; [`merge`](merge::merge()) makes one [`result`] of the results of all parts.
//!
//! Here at the root are the words that all of them share: ids, targets, verdicts, rules, text and secrets. Everything else is
//! in the module that it belongs to.
//!
//! Text from the server is [`RemoteText`]; what is shown of it is a [`Line`], which is harmless but for the syntax of the
//! place where it is shown. Neither can be printed, so that no such place can forget to escape it. No line holds a secret
//! of the run ([`redact`]).

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
    JobId, LogStreamId, OrgId, RunId, StepId, StepTargetId, WorkflowId,
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
