//! The polling core of `nuon-gate`: waits until a Nuon deploy ends and says how.
//!
//! It refuses to print, to read the environment, to know of command lines, and to end the process.
//!
//! # The way of the data
//!
//! ```text
//! Targets, Pin, WatchSettings ─→ Watch ─→ Step ─→ drive ─→ Client ─→ the API
//!                                  ↑                                   │
//!                                  └────────── Reply (Answer | ApiError) ┘
//!                                Watch ─→ Event…, Report
//! ```
//!
//! - [`model`] has the API's objects for servers of every version, [`Client`] the requests.
//! - [`Rules`] judge a status; [`Watch`] is the whole wait as a pure state machine; [`drive`] connects it to the clock
//!   and the network, and is the only part that sleeps.
//! - [`Event`]s tell what happens while it happens; the [`Report`] is what it came to. That a deploy failed or that the
//!   API was silent are outcomes in the report, not errors.
//!
//! Text from the server is [`RemoteText`]; what is told of it is a [`Line`], which is harmless but for the syntax of the
//! place where it is shown. Neither can be printed, so that no such place can forget to escape it.

mod cancel;
mod client;
mod dashboard;
mod drive;
mod evidence;
mod history;
mod id;
mod judge;
mod log_tail;
pub mod model;
mod moment;
mod pins;
pub mod reason;
mod report;
mod resolve;
pub mod result;
mod schedule;
mod secret;
mod target;
mod text;
mod timeline;
mod verdict;
pub mod watch;

pub use self::cancel::{CancelLimits, CancelOn, CancelPlan, Settlement};
pub use self::client::{
    ApiError, ApiStats, ApiUrl, Client, Connection, Credentials, Depth, ErrorClass, IdentitySource, InvalidApiUrl,
    InvalidConnection, IssuerUrl, LARGEST_BODY, LogPage, Page, Proxy, SignInError, Wire, decode, retry_after,
};
pub use self::dashboard::Dashboard;
pub use self::drive::{Asked, drive, drive_with, send};
pub use self::evidence::{Wish, gather};
pub use self::history::History;
pub use self::id::{
    BuildId, ComponentId, DeployId, InstallId, InvalidId, JobId, LogStreamId, OrgId, StepId, WorkflowId,
};
pub use self::judge::{ContradictoryRules, Judgement, Kind, Rules};
pub use self::log_tail::{Logged, log_tail};
pub use self::moment::Moment;
pub use self::pins::{Baseline, Baselines, CommitPrefix, InvalidCommit, Pinning, Pins};
pub use self::report::{ApprovalPlace, Report, TargetReport};
pub use self::resolve::{Resolution, Resolver, Unknown, Wanted};
pub use self::schedule::{Intervals, InvalidIntervals};
pub use self::secret::{ApiToken, IdentityToken, InvalidToken};
pub use self::target::{MatchedBy, Require, Target, Targets};
pub use self::text::{Line, RemoteText};
pub use self::timeline::{Stay, human, span, time_in_each_status};
pub use self::verdict::{Clock, Signal, Verdict};
pub use self::watch::{Event, Refusal, Watch, WatchSettings};
