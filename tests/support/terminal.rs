//! The program at a terminal, as a person sees and uses it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use nix::pty::openpty;
use rustix::termios::{Winsize, tcsetwinsize};

use super::Folder;
use super::secrets::Secrets;

/// After this long without output a redraw is whole. The next one comes half a second after it.
const REDRAWN: Duration = Duration::from_millis(50);
/// After this time the test has failed.
const PATIENCE: Duration = Duration::from_secs(60);

const ROWS: u16 = 24;

/// What is on the screen, and whether a process still writes to it.
struct Shown {
    terminal: avt::Terminal,
    /// The raw output.
    written: String,
    is_open: bool,
}

/// A terminal with a program that leads its session.
pub(crate) struct Terminal {
    child: Child,
    master: File,
    shown: Arc<(Mutex<Shown>, Condvar)>,
    /// The program's home directory has to outlive it.
    _home: Folder,
    secrets: Secrets,
}

impl Terminal {
    /// Starts a command. It must run `setsid --ctty`, so that it gets what is typed.
    pub(super) fn new(mut command: Command, home: Folder, columns: u16) -> Self {
        let pty = openpty(None, None).unwrap();
        tcsetwinsize(&pty.master, size(columns)).unwrap();
        let (secrets, stream) = (Secrets::of(&command), || Stdio::from(pty.slave.try_clone().unwrap()));
        let child = command.stdin(stream()).stdout(stream()).stderr(stream()).spawn().unwrap();
        // It holds the slave's end open until it is dropped.
        drop((command, pty.slave));
        let terminal = avt::Terminal::with_scrollback(columns.into(), ROWS.into(), None).unwrap();
        let shown = Arc::new((Mutex::new(Shown { terminal, written: String::new(), is_open: true }), Condvar::new()));
        let master = show(pty.master, &shown);
        Self { child, master, shown, _home: home, secrets }
    }

    /// Types keys.
    pub(crate) fn type_in(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Resizes the terminal to this width.
    pub(crate) fn resize(&mut self, columns: u16) {
        // Between two redraws: what was written for one width and is shown at another cannot be taken back.
        let (shown, change) = &*self.shown;
        let (mut shown, _) = change.wait_timeout(shown.lock().unwrap(), PATIENCE).unwrap();
        loop {
            let (later, quiet) = change.wait_timeout(shown, REDRAWN).unwrap();
            shown = later;
            if quiet.timed_out() {
                break;
            }
        }
        shown.terminal.resize(columns.into(), ROWS.into());
        tcsetwinsize(&self.master, size(columns)).unwrap();
    }

    /// Waits for a state of the screen. Returns the screen line by line, with the lines that have scrolled out of it.
    #[track_caller]
    pub(crate) fn wait_for(&self, trouble: &str, is_there: impl Fn(&[String]) -> bool) -> Vec<String> {
        let (shown, change) = &*self.shown;
        let waits = |shown: &mut Shown| shown.is_open && !is_there(&lines(shown));
        let (shown, _) = change.wait_timeout_while(shown.lock().unwrap(), PATIENCE, waits).unwrap();
        let lines = lines(&shown);
        assert!(is_there(&lines), "{trouble}:\n{lines:#?}");
        lines
    }

    /// Waits until the program has ended. Returns its exit code, and all lines.
    pub(crate) fn end(mut self) -> (i32, Vec<String>) {
        let code = self.close();
        (code, lines(&self.shown.0.lock().unwrap()))
    }

    /// As [`Terminal::end`], but returns the raw output.
    pub(crate) fn end_with_bytes(mut self) -> (i32, String) {
        let code = self.close();
        (code, self.shown.0.lock().unwrap().written.clone())
    }

    fn close(&mut self) -> i32 {
        let (shown, change) = &*self.shown;
        let (shown, waited) =
            change.wait_timeout_while(shown.lock().unwrap(), PATIENCE, |shown| shown.is_open).unwrap();
        assert!(!waited.timed_out(), "did not end:\n{:#?}", lines(&shown));
        self.secrets.are_not_in("the terminal", &shown.written);
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended by itself, unless the test failed.
        let _ = self.child.kill();
    }
}

fn size(columns: u16) -> Winsize {
    Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn lines(shown: &Shown) -> Vec<String> {
    shown.terminal.screen().text().into_iter().filter(|line| !line.is_empty()).collect()
}

/// Shows what the program writes, in pieces of whole characters. Returns where keys can be typed.
fn show(master: OwnedFd, shown: &Arc<(Mutex<Shown>, Condvar)>) -> File {
    let mut output = File::from(master);
    let keyboard = output.try_clone().unwrap();
    let shown = Arc::clone(shown);
    std::thread::spawn(move || {
        let (shown, change) = &*shown;
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        // When the last program closes the terminal, this ends with an error.
        while let Ok(length @ 1..) = output.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..length]);
            let whole = match std::str::from_utf8(&bytes) {
                Ok(_) => bytes.len(),
                Err(error) => error.valid_up_to(),
            };
            let text = String::from_utf8(bytes.drain(..whole).collect()).unwrap();
            let mut all = shown.lock().unwrap();
            all.terminal.feed(text.as_str());
            all.written += &text;
            drop(all);
            change.notify_all();
        }
        shown.lock().unwrap().is_open = false;
        change.notify_all();
    });
    keyboard
}
