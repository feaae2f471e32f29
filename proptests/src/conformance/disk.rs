//! What the journal relies on of a disk. Does not know whose disk it is, nor what only a power cut could show.

use std::error::Error;
use std::fmt::Debug;
use std::io::{self, ErrorKind};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use swarm_journal::{Disk, File, Mode};

/// What a check comes to: it holds, or what did not.
type Held = Result<(), Box<dyn Error>>;

type Check = fn(&Arc<dyn Disk>) -> Held;

/// Asked of a folder that exists and is empty.
const CHECKS: &[(&str, Check)] = &[
    ("a file that is only read must exist, and stays as it is", only_read),
    ("a file that is updated is made if it does not exist, and else kept", updated),
    ("a file that must be new is new", new),
    ("all files are listed, and nothing else", listed),
    ("a name that is given never takes another file's place", published),
    ("a removed file is gone, and lives on where it is open", removed),
    ("a file is the same file by whatever name, and no other is", identified),
    ("what is read is what was written, up to the end", read_back),
    ("what lies between two writes is zeros", gaps),
    ("a file is cut, and grows with zeros", resized),
    ("a sync takes nothing away, nor does forgetting the cache", synced),
    ("a lock is held by one open file", locked),
    ("a lock goes with the file that holds it", unlocked),
    ("a file knows where it is", placed),
    ("who watches a file is told of a write", watched),
    ("work that is put aside is done or dropped", put_aside),
    ("segments have room for a header and a record", sized),
];

const NO_NAMES: [&str; 0] = [];

/// Checks that a disk does what the journal relies on. `make` gives a disk whose folder does not exist, another one each
/// time.
///
/// Panics with the name of the first check that does not hold, and what was wrong.
pub fn disk(make: &dyn Fn() -> Arc<dyn Disk>) {
    judge("a folder is made where none is", no_folder(&make()));
    for (name, check) in CHECKS {
        let disk = make();
        judge(name, disk.make_folder().map_err(Box::from).and_then(|()| check(&disk)));
    }
}

fn judge(name: &str, held: Held) {
    if let Err(why) = held {
        panic!("this disk does not conform: {name}: {why}");
    }
}

/// Before a folder exists there is nothing in it, and nothing can be; making it twice is as good as once.
fn no_folder(disk: &Arc<dyn Disk>) -> Held {
    fails(disk.names(), ErrorKind::NotFound, "listing a folder that does not exist")?;
    fails(disk.open("a", Mode::Read), ErrorKind::NotFound, "reading a file in it")?;
    fails(disk.open("a", Mode::CreateNew), ErrorKind::NotFound, "making a file in it")?;
    disk.make_folder()?;
    disk.make_folder()?;
    same(disk.names()?, NO_NAMES, "the names in a new folder")
}

/// Whoever only looks makes nothing, and can change nothing; it can make durable what others wrote.
fn only_read(disk: &Arc<dyn Disk>) -> Held {
    fails(disk.open("a", Mode::Read), ErrorKind::NotFound, "reading a file that does not exist")?;
    same(disk.names()?, NO_NAMES, "the names after that")?;
    write(disk, "a", b"hello")?;
    let file = disk.open("a", Mode::Read)?;
    holds(file.write_at(b"x", 0).is_err(), "a write to a file that is only read fails")?;
    holds(file.set_len(0).is_err(), "cutting a file that is only read fails")?;
    file.sync()?;
    file.drop_cache()?;
    same(all(&*file)?, b"hello", "the file after that")
}

/// `HEAD` is opened so, by whoever comes first and by all others.
fn updated(disk: &Arc<dyn Disk>) -> Held {
    let file = disk.open("a", Mode::Update)?;
    holds(file.is_empty()?, "a file that did not exist is empty")?;
    file.write_at(b"hello", 0)?;
    let other = disk.open("a", Mode::Update)?;
    same(all(&*other)?, b"hello", "the file opened once more")?;
    other.write_at(b"J", 0)?;
    same(all(&*file)?, b"Jello", "the file, written to by the other")
}

/// Two writers that prepare a segment of the same name never share it.
fn new(disk: &Arc<dyn Disk>) -> Held {
    let file = disk.open("a", Mode::CreateNew)?;
    file.write_at(b"hello", 0)?;
    fails(disk.open("a", Mode::CreateNew), ErrorKind::AlreadyExists, "making a file that exists")?;
    same(all(&*file)?, b"hello", "the file after that")
}

/// The segments of a journal are found by listing.
fn listed(disk: &Arc<dyn Disk>) -> Held {
    for name in ["b", "0000000001.swj", "a.tmp"] {
        write(disk, name, b"")?;
    }
    disk.sync_names()?;
    let mut names = disk.names()?;
    names.sort();
    same(names, ["0000000001.swj", "a.tmp", "b"], "the names")
}

/// Law 8: of two writers one gets the name of the next segment, and the other is told.
fn published(disk: &Arc<dyn Disk>) -> Held {
    let file = write(disk, "a.tmp", b"mine")?;
    write(disk, "a", b"theirs")?;
    fails(disk.publish("a.tmp", "a"), ErrorKind::AlreadyExists, "giving a name that is taken")?;
    same(contents(disk, "a")?, b"theirs", "the file that had the name")?;
    same(contents(disk, "a.tmp")?, b"mine", "the file that should get it")?;
    disk.publish("a.tmp", "b")?;
    fails(disk.open("a.tmp", Mode::Read), ErrorKind::NotFound, "reading by the old name")?;
    file.write_at(b"M", 0)?;
    same(contents(disk, "b")?, b"Mine", "what was written through the file that was open")?;
    fails(disk.publish("none", "c"), ErrorKind::NotFound, "giving a name to a file that does not exist")
}

/// A writer whose `HEAD` was deleted still has it open, and its name may be another file's by then.
fn removed(disk: &Arc<dyn Disk>) -> Held {
    let file = write(disk, "a", b"old")?;
    disk.remove("a")?;
    fails(disk.remove("a"), ErrorKind::NotFound, "removing a file that does not exist")?;
    same(disk.names()?, NO_NAMES, "the names after that")?;
    write(disk, "a", b"new")?;
    same(all(&*file)?, b"old", "the file that was removed while it was open")?;
    same(contents(disk, "a")?, b"new", "the file that has its name now")
}

/// Law 8: a writer looks whether `HEAD` is still the file that it locked.
fn identified(disk: &Arc<dyn Disk>) -> Held {
    same(disk.id_of("a")?, None, "the id of a file that does not exist")?;
    let file = write(disk, "a", b"")?;
    let id = file.id()?;
    same(disk.id_of("a")?, Some(id), "the id by name")?;
    same(disk.open("a", Mode::Read)?.id()?, id, "the id of the same file opened once more")?;
    disk.publish("a", "b")?;
    same((disk.id_of("a")?, disk.id_of("b")?), (None, Some(id)), "the ids of both names after a rename")?;
    same(file.id()?, id, "the id of the open file after it")?;
    disk.remove("b")?;
    let other = write(disk, "b", b"")?;
    holds(other.id()? != id, "another file of the same name has another id while the first is open")?;
    same(disk.id_of("b")?, Some(other.id()?), "the id by that name")
}

/// A read ends where the file does; the end is no error.
fn read_back(disk: &Arc<dyn Disk>) -> Held {
    let file = write(disk, "a", b"hello")?;
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    let mut at = 0;
    while at < bytes.len() {
        let written = file.write_at(&bytes[at..], at as u64)?;
        holds(
            (1..=bytes.len() - at).contains(&written),
            "a write takes at least one byte, and none it was not given",
        )?;
        at += written;
    }
    same(file.len()?, 100_000, "the length")?;
    holds(all(&*file)? == bytes, "what was written is read")?;
    let mut buffer = [7; 10];
    same(file.read_at(&mut buffer, 99_997)?, 3, "how much is read at the end")?;
    same(buffer, [157, 158, 159, 7, 7, 7, 7, 7, 7, 7], "the buffer, of which nothing else was touched")?;
    same(file.read_at(&mut buffer, 100_000)?, 0, "how much is read behind the end")?;
    same(file.read_at(&mut buffer, 1 << 40)?, 0, "how much is read far behind the end")
}

/// The second slot of `HEAD` is written before anything lies between it and the first.
fn gaps(disk: &Arc<dyn Disk>) -> Held {
    let file = write(disk, "a", b"front")?;
    file.write_at(b"back", 10)?;
    same(all(&*file)?, b"front\0\0\0\0\0back", "the file")?;
    file.write_at(b"\0\0", 1)?;
    same(all(&*file)?, b"f\0\0nt\0\0\0\0\0back", "the file after zeros were written over something")
}

/// A sealed segment gives back the room that it did not use.
fn resized(disk: &Arc<dyn Disk>) -> Held {
    let file = write(disk, "a", b"hello")?;
    file.set_len(2)?;
    same((file.len()?, all(&*file)?), (2, b"he".to_vec()), "the file after a cut")?;
    file.set_len(5)?;
    same(all(&*file)?, b"he\0\0\0", "what was cut off does not come back")
}

/// Before it reads, an opening syncs the last segment and has it read from the disk itself.
fn synced(disk: &Arc<dyn Disk>) -> Held {
    let file = write(disk, "a", b"hello")?;
    disk.sync_names()?;
    file.drop_cache()?;
    same(contents(disk, "a")?, b"hello", "what was not synced yet, after the cache was dropped")?;
    file.sync()?;
    file.drop_cache()?;
    same(contents(disk, "a")?, b"hello", "what was synced, after the cache was dropped")?;
    file.sync()?;
    disk.sync_names()?;
    same(contents(disk, "a")?, b"hello", "the file after a sync of nothing")
}

/// One writer at a time, and looking whether there is one is in nobody's way.
fn locked(disk: &Arc<dyn Disk>) -> Held {
    let (one, other) = (disk.open("a", Mode::Update)?, disk.open("a", Mode::Update)?);
    holds(!disk.is_locked("a") && !disk.is_locked("none"), "nobody has a lock that nobody took")?;
    holds(one.try_lock()?, "the first takes the lock")?;
    holds(disk.is_locked("a") && disk.is_locked("a"), "it is seen to be taken")?;
    holds(!other.try_lock()?, "the other does not get it")?;
    holds(one.try_lock()?, "who has it may ask again")?;
    other.unlock();
    drop(other);
    holds(disk.is_locked("a"), "who does not have it cannot give it back")?;
    one.unlock();
    holds(!disk.is_locked("a"), "it is given back")?;
    holds(disk.open("a", Mode::Update)?.try_lock()?, "another one can take it then")
}

/// A writer's death frees its lock; a rename does not, and a new file of the name is not locked by it.
fn unlocked(disk: &Arc<dyn Disk>) -> Held {
    let file = disk.open("a", Mode::Update)?;
    holds(file.try_lock()?, "the lock is free")?;
    disk.publish("a", "b")?;
    holds(disk.is_locked("b"), "the file is locked by its new name")?;
    let other = write(disk, "a", b"")?;
    holds(!disk.is_locked("a") && other.try_lock()?, "another file of the name has a lock of its own")?;
    drop(file);
    holds(!disk.is_locked("b"), "closing the file gives the lock back")
}

/// Messages name files.
fn placed(disk: &Arc<dyn Disk>) -> Held {
    same(disk.path("x"), disk.path("").join("x"), "where a file is")?;
    holds(disk.pid() > 0, "a process has a number")
}

/// A follower would wait for ever if this did not hold; so would this check.
fn watched(disk: &Arc<dyn Disk>) -> Held {
    holds(disk.watch("a").is_err(), "a file that does not exist cannot be watched")?;
    let file = write(disk, "a", b"hello")?;
    let mut watch = disk.watch("a")?;
    watch.wait(Duration::ZERO)?;
    for _ in 0..3 {
        file.write_at(b"j", 0)?;
        watch.wait(Duration::from_hours(1))?;
    }
    Ok(())
}

/// Whoever waits for it either gets it or sees that nobody will do it.
fn put_aside(disk: &Arc<dyn Disk>) -> Held {
    let (done, waits) = mpsc::channel();
    let place = disk.clone();
    disk.aside(Box::new(move || {
        let made = place.open("a", Mode::CreateNew).map(drop);
        // Whoever waits for it may be gone.
        let _ = done.send(made);
    }));
    match waits.recv() {
        Ok(made) => same((made.is_ok(), disk.names()?), (true, vec!["a".to_owned()]), "what was made aside"),
        Err(mpsc::RecvError) => same(disk.names()?, NO_NAMES, "the names, where it was dropped"),
    }
}

/// Anything smaller could not hold one record.
fn sized(disk: &Arc<dyn Disk>) -> Held {
    let sizes = disk.sizes();
    holds(sizes.first_bytes >= 4608 && sizes.max_bytes >= sizes.first_bytes, &format!("{sizes:?}"))
}

/// The file of this name, made if needed, with these bytes at its start.
fn write(disk: &Arc<dyn Disk>, name: &str, bytes: &[u8]) -> io::Result<Box<dyn File>> {
    let file = disk.open(name, Mode::Update)?;
    if !bytes.is_empty() && file.write_at(bytes, 0)? < bytes.len() {
        return Err(io::Error::other("a few bytes are written at once"));
    }
    Ok(file)
}

fn contents(disk: &Arc<dyn Disk>, name: &str) -> io::Result<Vec<u8>> {
    all(&*disk.open(name, Mode::Read)?)
}

fn all(file: &dyn File) -> io::Result<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match file.read_at(&mut buffer, bytes.len() as u64)? {
            0 => return Ok(bytes),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

fn holds(it: bool, what: &str) -> Held {
    if it { Ok(()) } else { Err(format!("not so: {what}").into()) }
}

#[expect(clippy::needless_pass_by_value, reason = "what is compared was mostly made for it")]
fn same<T: PartialEq<U> + Debug, U: Debug>(found: T, expected: U, what: &str) -> Held {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?} and not {expected:?}").into()) }
}

fn fails<T>(result: io::Result<T>, kind: ErrorKind, what: &str) -> Held {
    match result {
        Ok(_) => Err(format!("{what} succeeds").into()),
        Err(error) if error.kind() == kind => Ok(()),
        Err(error) => Err(format!("{what} fails with {:?} and not {kind:?}", error.kind()).into()),
    }
}
