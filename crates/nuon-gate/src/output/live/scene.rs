//! A program at a terminal, for tests.

#![cfg(test)]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nuon_gate_core::model::Status;
use nuon_gate_core::watch::{Event, EventKind, Pace};
use nuon_gate_core::{MatchedBy, Moment, RemoteText, Target, Verdict};
use tokio::time::Instant;

use super::screen::Screen;
use super::{Live, Message, Size, Styling};

pub(super) const PLAIN: Styling = Styling { colour: false, links: false };

/// A terminal with several writers.
#[derive(Clone)]
pub(super) struct Tty(pub(super) Arc<Mutex<avt::Terminal>>);

impl Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // As the system's line discipline does.
        let text = std::str::from_utf8(bytes).unwrap().replace('\n', "\r\n");
        self.0.lock().unwrap().feed(text.as_str());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A program at a terminal, and the time.
pub(super) struct Scene {
    pub(super) tty: Tty,
    pub(super) live: Live<Tty>,
    pub(super) size: Size,
    pub(super) now: Moment,
}

impl Scene {
    /// A terminal that rewraps lines when it becomes narrower.
    pub(super) fn of(columns: usize, targets: &[&str]) -> Self {
        Self::at(columns, targets, true, PLAIN)
    }

    /// A terminal that cuts lines off when it becomes narrower, as the alternate screen does.
    pub(super) fn clipping(columns: usize, targets: &[&str]) -> Self {
        let scene = Self::at(columns, targets, false, PLAIN);
        scene.tty.0.lock().unwrap().feed("\u{1b}[?1049h");
        scene
    }

    pub(super) fn at(columns: usize, targets: &[&str], reflows: bool, style: Styling) -> Self {
        let size = Size { columns, rows: 24 };
        let tty = Tty(Arc::new(Mutex::new(avt::Terminal::with_scrollback(columns, size.rows, None).unwrap())));
        let live = Live::new(Screen::new(tty.clone(), style, reflows));
        let mut scene = Self { tty, live, size, now: Moment::START };
        scene.take(Message::Watch { began: Instant::now(), limit: Duration::from_secs(3600) });
        let named = |(number, name): (usize, &&str)| {
            let target = Target::new("inlacme".parse().unwrap(), format!("cmp{number}").parse().unwrap());
            target.named(None, Some(&RemoteText::new(*name)))
        };
        scene.event(EventKind::Started { targets: targets.iter().enumerate().map(named).collect() });
        scene
    }

    pub(super) fn take(&mut self, message: Message) {
        let size = self.size;
        self.live.take(message, || size).unwrap();
    }

    pub(super) fn event(&mut self, kind: EventKind) {
        self.take(Message::Event(Box::new(Event { at: self.now, kind })));
    }

    pub(super) fn found(&mut self, target: usize, status: Status) {
        self.found_after(target, status, Duration::ZERO);
    }

    /// A deploy is found that has been in its status for a while.
    pub(super) fn found_after(&mut self, target: usize, status: Status, spent: Duration) {
        self.event(EventKind::Found {
            target,
            deploy: "dpl1".parse().unwrap(),
            status,
            spent,
            build: None,
            commit: None,
            matched_by: MatchedBy::Latest,
            replaces: None,
        });
    }

    pub(super) fn ended(&mut self, target: usize, verdict: Verdict) {
        self.event(EventKind::Ended { target: Some(target), deploy: None, approval: None, verdict, cause: None });
    }

    pub(super) fn changed(&mut self, target: usize, to: Status) {
        let (deploy, from, spent) = ("dpl1".parse().unwrap(), Status::Queued, Duration::ZERO);
        self.event(EventKind::Changed { target, deploy, from, to, spent, description: None });
    }

    pub(super) fn line(&mut self, text: &str) {
        self.take(Message::Line(text.to_owned()));
    }

    /// Advances the time, and repaints.
    pub(super) fn after(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now + Duration::from_secs(seconds);
        self.live.draw(self.now, self.size).unwrap();
        self
    }

    /// Echoes typed text.
    pub(super) fn echo(&mut self, text: &str) {
        self.tty.0.lock().unwrap().feed(text);
    }

    pub(super) fn resize(&mut self, columns: usize) {
        self.size.columns = columns;
        self.tty.0.lock().unwrap().resize(columns, self.size.rows);
    }

    /// Returns the visible rows, without the empty rest.
    pub(super) fn seen(&self) -> Vec<String> {
        let terminal = self.tty.0.lock().unwrap();
        trimmed(terminal.screen().visible_lines().map(avt::Line::text).collect())
    }

    /// Returns the lines of the screen and of the scrollback, rejoined where the terminal wrapped them.
    pub(super) fn lines(&self) -> Vec<String> {
        trimmed(self.tty.0.lock().unwrap().screen().text())
    }

    /// Returns the live view as it would be on a fresh screen.
    pub(super) fn picture(&self) -> Vec<String> {
        let (board, _) = self.live.shown.as_ref().unwrap();
        super::frame(board, self.size, self.now).iter().map(|row| row.write(PLAIN).trim_end().to_owned()).collect()
    }
}

pub(super) fn trimmed(lines: Vec<String>) -> Vec<String> {
    let mut lines: Vec<String> = lines.into_iter().map(|line| line.trim_end().to_owned()).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// A deploy that has been executing for two minutes, where three are usual.
pub(super) fn executing(columns: usize) -> Scene {
    let mut scene = Scene::of(columns, &["api"]);
    scene.after(350);
    scene.found(0, Status::Queued);
    scene.after(20);
    scene.changed(0, Status::Executing);
    let pace = Pace { elapsed: Duration::from_secs(20), typical: Duration::from_secs(180) };
    scene.event(EventKind::Expected { target: 0, deploy: "dpl1".parse().unwrap(), pace });
    scene.after(130);
    scene
}
