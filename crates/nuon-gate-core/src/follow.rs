//! A deploy's log while it is written, for people. It decides nothing, ends with whoever waits for its lines, and is given up
//! where the server makes it hard.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use tokio::time::sleep;

use crate::api::{ApiError, Client, Fact, Reply, Request, TailCursor};
use crate::drive::send;
use crate::log_tail::{Logged, lines};
use crate::model::LogRecord;
use crate::{DeployId, LogStreamId, Target};

/// How long a request may take. The server keeps one for the end of a log open for as long as it is asked to.
const TIMEOUT: Duration = Duration::from_secs(10);
const TAIL_TIMEOUT: Duration = Duration::from_secs(30);
/// So many answers in a row that are no good ones, and it is given up.
const MOST_ERRORS: u32 = 3;
/// The longest pause that is waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// More lines of one deploy, and of one record, are not shown.
const MOST_LINES: usize = 5_000;
const MOST_OF_RECORD: usize = 100;

/// Which lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// Those of records about an error.
    Errors,
    /// All.
    All,
}

/// Why a log is not followed any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfollowed {
    /// The server gives no good answer.
    #[error("the log cannot be followed any more: {0}")]
    NoAnswer(ApiError),
    /// The server gives the same part again and again.
    #[error("the log cannot be followed any more: the server repeats it")]
    Repeated,
    /// There are more lines than anybody reads.
    #[error("the log has more than {MOST_LINES} lines, and the others are not shown")]
    TooLong,
}

/// Follows the log of a deploy: hands on its lines as they are written, oldest first, and returns why there will be no more.
/// It does not end with the deploy. `pace` is the shortest time between two requests.
pub async fn follow<T: Future<Output = ()>>(
    client: &Client,
    target: &Target,
    deploy: &DeployId,
    which: Followed,
    pace: Duration,
    tell: impl Fn(Vec<Logged>) -> T,
) -> Unfollowed {
    let client = client.clone();
    let ask = move |request: Request| {
        let limit = if matches!(request, Request::Tail(..)) { TAIL_TIMEOUT } else { TIMEOUT };
        send(client.within(limit), request)
    };
    let Err(why) = follow_with(ask, target, deploy, which, pace, tell).await;
    why
}

/// Follows it with any way of sending.
async fn follow_with<F, T>(
    send: impl Fn(Request) -> F,
    target: &Target,
    deploy: &DeployId,
    which: Followed,
    pace: Duration,
    tell: impl Fn(Vec<Logged>) -> T,
) -> Result<Infallible, Unfollowed>
where
    F: Future<Output = Reply>,
    T: Future<Output = ()>,
{
    let mut server = Server { send, pace, errors: 0 };
    let stream = server.stream_of(target, deploy).await?;
    let (mut read, mut told) = (Position::default(), 0);
    loop {
        let records = server.next(&stream, &mut read).await?;
        let wanted = records.iter().filter(|record| which == Followed::All || record.is_error());
        let mut new: Vec<Logged> = wanted.flat_map(|record| lines(record).take(MOST_OF_RECORD)).collect();
        let room = MOST_LINES - told;
        let is_too_long = new.len() > room;
        new.truncate(room);
        told += new.len();
        if !new.is_empty() {
            tell(new).await;
        }
        if is_too_long {
            return Err(Unfollowed::TooLong);
        }
    }
}

/// How far a log has been read.
#[derive(Debug, Default)]
struct Position {
    /// Where the server says that the next part begins.
    tail: Option<TailCursor>,
    /// The time of the last record, in nanoseconds since 1970.
    last: Option<u64>,
    /// The server has no long poll for it.
    in_pages: bool,
}

/// Whoever answers, and how often in a row that was no good answer.
struct Server<S> {
    send: S,
    pace: Duration,
    errors: u32,
}

impl<S: Fn(Request) -> F, F: Future<Output = Reply>> Server<S> {
    /// Returns the deploy's log stream, once it has one.
    async fn stream_of(&mut self, target: &Target, deploy: &DeployId) -> Result<LogStreamId, Unfollowed> {
        loop {
            let request = Request::Deploy(target.install.clone(), Some(target.component.clone()), deploy.clone());
            if let Some(Fact::Deploy(deploy)) = self.ask(request).await?
                && let Some(stream) = deploy.log_stream_id()
            {
                return Ok(stream.clone());
            }
            sleep(self.pace).await;
        }
    }

    /// Returns what comes next, if anything does, not sooner than the pace allows.
    async fn next(&mut self, stream: &LogStreamId, read: &mut Position) -> Result<Vec<LogRecord>, Unfollowed> {
        sleep(self.pace).await;
        let request = match read.in_pages {
            true => Request::LogsAfter(stream.clone(), read.last),
            false => Request::Tail(stream.clone(), read.tail.clone()),
        };
        let records = match self.ask(request).await? {
            Some(Fact::Tail(Some(page))) => {
                let stays = page.next.as_ref().is_none_or(|next| read.tail.as_ref() == Some(next));
                if stays && !page.records.is_empty() {
                    return Err(Unfollowed::Repeated);
                }
                read.tail = page.next.or(read.tail.take());
                page.records
            }
            Some(Fact::Tail(None)) => {
                read.in_pages = true;
                return Ok(Vec::new());
            }
            Some(Fact::Logs(page)) => page.records,
            _ => return Ok(Vec::new()),
        };
        let last = records.iter().filter_map(LogRecord::nanoseconds).max();
        if read.in_pages && !records.is_empty() && last <= read.last {
            return Err(Unfollowed::Repeated);
        }
        read.last = read.last.max(last);
        Ok(records)
    }

    /// Asks; after what is no good answer there is none, and a pause.
    async fn ask(&mut self, request: Request) -> Result<Option<Fact>, Unfollowed> {
        match (self.send)(request).await {
            Ok(answer) => {
                self.errors = 0;
                Ok(Some(answer.fact))
            }
            Err(error) => {
                self.errors += 1;
                if self.errors == MOST_ERRORS {
                    return Err(Unfollowed::NoAnswer(error));
                }
                let pause = error.retry_after().unwrap_or_default().min(LONGEST_PAUSE);
                sleep(pause.max(self.pace)).await;
                Ok(None)
            }
        }
    }
}
