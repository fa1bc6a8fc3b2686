//! The command after `--`: run, sent signals, and never left behind.

use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nuon_gate_core::Signal;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The command while it runs. It is killed when this is dropped before it has ended.
pub(crate) struct RunningCommand {
    child: Child,
    group: Group,
}

impl RunningCommand {
    /// Starts the command, with its output passed through; to stderr if stdout is for the result.
    pub(crate) fn start(command: &[OsString], keeps_stdout: bool) -> io::Result<Self> {
        let mut child = Command::new(&command[0]);
        child.args(&command[1..]).kill_on_drop(true);
        if keeps_stdout {
            child.stdout(Stdio::from(io::stderr()));
        }
        let is_own = Group::is_own(&mut child);
        let child = child.spawn()?;
        Ok(Self { group: Group::of(&child, is_own), child })
    }

    /// Waits until it ends. Its background processes go on.
    pub(crate) async fn end(&mut self) -> io::Result<ExitStatus> {
        let ended = self.child.wait().await;
        self.group.leave();
        ended
    }

    /// Sends a signal to it and its children. Whatever is still running after the grace period is killed.
    pub(crate) async fn stop(mut self, signal: Signal, grace: Duration) {
        // A terminal has already sent it the signal, and many programs handle a second one differently.
        let heard = if self.group.has_heard(signal) { grace / 2 } else { Duration::ZERO };
        let ended = timeout(heard, self.child.wait()).await.is_ok();
        if !ended {
            self.group.pass_on(signal);
            // Whether or not it ends in time, we are done with it.
            let _ = timeout(grace - heard, async { (self.child.wait().await, self.group.end().await) }).await;
        }
    }
}

#[cfg(unix)]
mod unix {
    use nuon_gate_core::Signal;
    use rustix::process::{self, Pid};
    use tokio::process::{Child, Command};

    /// How often the group is checked for processes that are left.
    const PACE: std::time::Duration = std::time::Duration::from_millis(20);

    /// The processes that a command consists of. Those of a group of its own are killed when this is dropped.
    pub(super) enum Group {
        /// A group of its own, so that signals reach what the command has started.
        Own(Pid),
        /// Our own group, in the foreground of a terminal: only that may read from it, and gets its signals.
        Foreground(Option<Pid>),
        /// It has ended.
        Left,
    }

    impl Group {
        /// Gives a command a group of its own, if possible. Returns whether it has one.
        pub(super) fn is_own(command: &mut Command) -> bool {
            let is_own = !is_foreground();
            if is_own {
                command.process_group(0);
            }
            is_own
        }

        pub(super) fn of(child: &Child, is_own: bool) -> Self {
            let leader = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
            match leader.filter(|_| is_own) {
                Some(leader) => Self::Own(leader),
                None => Self::Foreground(leader),
            }
        }

        /// Returns whether a signal has most likely reached the whole group by itself.
        pub(super) fn has_heard(&self, signal: Signal) -> bool {
            matches!(self, Self::Foreground(_)) && matches!(signal, Signal::Interrupt | Signal::HangUp)
        }

        pub(super) fn pass_on(&self, signal: Signal) {
            let signal = match signal {
                Signal::Interrupt => process::Signal::INT,
                Signal::Terminate => process::Signal::TERM,
                Signal::HangUp => process::Signal::HUP,
            };
            // A process that is gone needs no signal.
            let _ = match self {
                Self::Own(leader) => process::kill_process_group(*leader, signal),
                Self::Foreground(Some(leader)) => process::kill_process(*leader, signal),
                Self::Foreground(None) | Self::Left => Ok(()),
            };
        }

        /// Waits until no process of its own group is left.
        pub(super) async fn end(&mut self) {
            while let Self::Own(leader) = self
                && process::test_kill_process_group(*leader).is_ok()
            {
                tokio::time::sleep(PACE).await;
            }
            self.leave();
        }

        /// Records that the command has ended: its background processes are not ours to end.
        pub(super) fn leave(&mut self) {
            *self = Self::Left;
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            if let Self::Own(leader) = self {
                let _ = process::kill_process_group(*leader, process::Signal::KILL);
            }
        }
    }

    /// Returns whether this process is in the foreground of a terminal.
    fn is_foreground() -> bool {
        let terminal = std::fs::File::open("/dev/tty");
        let foreground = terminal.ok().and_then(|terminal| rustix::termios::tcgetpgrp(terminal).ok());
        foreground == Some(process::getpgrp())
    }
}

#[cfg(unix)]
use self::unix::Group;

/// A console signals all of its processes itself, so there is nothing to pass on.
#[cfg(not(unix))]
struct Group;

#[cfg(not(unix))]
impl Group {
    fn is_own(_: &mut Command) -> bool {
        false
    }

    fn of(_: &Child, _: bool) -> Self {
        Self
    }

    fn has_heard(&self, _: Signal) -> bool {
        true
    }

    fn pass_on(&self, _: Signal) {}

    async fn end(&mut self) {}

    fn leave(&mut self) {}
}
