//! Requests to a live run: a file in its inbox, written whole, taken by the owner once its record is durable.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use serde::{Deserialize, Serialize};
use swarm_domain::fact::Request;

/// How long the owner waits for news of the folder before it looks anyway: inotify may miss what another machine writes.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A request on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Makes it happen once.
    pub id: String,
    /// Who asks.
    pub by: String,
    /// What for.
    pub request: Request,
}

/// Puts a request into an inbox, whole and durable.
pub fn post(run_dir: &Path, letter: &Letter) -> io::Result<()> {
    let inbox = run_dir.join("inbox");
    let tmp = inbox.join(format!(".{}.tmp", letter.id));
    let bytes = serde_json::to_vec(letter).map_err(io::Error::other)?;
    let mut file = std::fs::File::create(&tmp)?;
    io::Write::write_all(&mut file, &bytes)?;
    file.sync_all()?;
    std::fs::rename(&tmp, inbox.join(format!("{}.json", letter.id)))?;
    std::fs::File::open(&inbox)?.sync_all()
}

/// Why the owner refused a request, if it did. The answer is taken away.
pub fn answer_of(run_dir: &Path, id: &str) -> Option<String> {
    let file = refusal(run_dir, id);
    let text = std::fs::read_to_string(&file).ok()?;
    // A refusal that stays behind is read by nobody: ids are not used twice.
    let _ = std::fs::remove_file(file);
    Some(text)
}

fn refusal(run_dir: &Path, id: &str) -> PathBuf {
    run_dir.join("inbox").join(format!("{id}.refused"))
}

/// The owner's side of an inbox.
#[derive(Debug)]
pub struct Inbox {
    run_dir: PathBuf,
    watch: Option<rustix::fd::OwnedFd>,
}

impl Inbox {
    /// Watches the inbox of a run.
    pub fn new(run_dir: &Path) -> Self {
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK).ok();
        let watch = watch.filter(|fd| {
            inotify::add_watch(fd, run_dir.join("inbox"), inotify::WatchFlags::MOVED_TO).is_ok()
        });
        Self { run_dir: run_dir.to_owned(), watch }
    }

    /// The requests that wait, oldest name first. A file that is no request is answered with a refusal.
    pub fn letters(&self) -> Vec<Letter> {
        let Ok(entries) = std::fs::read_dir(self.run_dir.join("inbox")) else { return Vec::new() };
        let mut files: Vec<_> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
            .collect();
        files.sort();
        files.iter().filter_map(|file| self.read(file)).collect()
    }

    fn read(&self, file: &Path) -> Option<Letter> {
        let id = file.file_stem()?.to_str()?;
        let letter = std::fs::read(file)
            .map_err(|error| error.to_string())
            .and_then(|bytes| serde_json::from_slice::<Letter>(&bytes).map_err(|error| error.to_string()));
        match letter {
            Ok(letter) if letter.id == id => Some(letter),
            Ok(_) => {
                self.refuse(id, "the request's id is not its file's name");
                None
            }
            Err(error) => {
                self.refuse(id, &format!("the request cannot be read: {error}"));
                None
            }
        }
    }

    /// Takes a request away, after its record is durable.
    pub fn done(&self, id: &str) {
        // If this fails the request comes again, and its id makes it happen once.
        let _ = std::fs::remove_file(self.run_dir.join("inbox").join(format!("{id}.json")));
    }

    /// Answers a request that changes nothing.
    pub fn refuse(&self, id: &str, why: &str) {
        if let Err(error) = std::fs::write(refusal(&self.run_dir, id), why) {
            tracing::warn!(%error, id, "a refusal could not be written");
        }
        self.done(id);
    }

    /// Waits until something may have arrived.
    pub fn wait(&self) {
        let Some(watch) = &self.watch else { return std::thread::sleep(LOOK_AGAIN) };
        let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK_AGAIN.subsec_nanos()) };
        // An interrupted wait only means that the folder is looked at earlier.
        let _ = poll(&mut [PollFd::new(watch, PollFlags::IN)], Some(&limit));
        let mut buffer = [0_u8; 4096];
        while rustix::io::read(watch, &mut buffer).is_ok_and(|read| read > 0) {}
    }
}
