//! What every disk must do, asked of the real one and of the simulated one.

use std::io::ErrorKind;

use swarm_journal::{Disk, File, Mode, RealDisk, sim::SimDisk};

fn read(file: &dyn File, offset: u64) -> Vec<u8> {
    let mut buffer = vec![0; 100];
    let read = file.read_at(&mut buffer, offset).unwrap();
    buffer.truncate(read);
    buffer
}

fn kind<T>(result: std::io::Result<T>) -> ErrorKind {
    result.err().unwrap().kind()
}

fn files_hold_what_is_written(disk: &dyn Disk) {
    let file = disk.open("a", Mode::CreateNew).unwrap();
    assert!(file.is_empty().unwrap());
    assert_eq!(file.write_at(b"hello", 3).unwrap(), 5);
    assert_eq!(read(&*file, 0), b"\0\0\0hello");
    assert_eq!(read(&*file, 6), b"lo");
    assert_eq!(read(&*file, 8), b"");
    assert_eq!(read(&*file, 99), b"");
    file.set_len(5).unwrap();
    file.set_len(6).unwrap();
    file.sync().unwrap();
    file.drop_cache().unwrap();
    let again = disk.open("a", Mode::Read).unwrap();
    assert_eq!((again.len().unwrap(), read(&*again, 0)), (6, b"\0\0\0he\0".to_vec()));
    assert!(again.write_at(b"x", 0).is_err() && again.set_len(0).is_err());
    assert_eq!(disk.open("a", Mode::Update).unwrap().len().unwrap(), 6);
}

fn names_are_given_once(disk: &dyn Disk) {
    assert_eq!(kind(disk.open("b", Mode::Read)), ErrorKind::NotFound);
    drop(disk.open("b", Mode::Update).unwrap());
    assert_eq!(kind(disk.open("b", Mode::CreateNew)), ErrorKind::AlreadyExists);
    assert_eq!(kind(disk.publish("b", "a")), ErrorKind::AlreadyExists);
    disk.publish("b", "c").unwrap();
    disk.sync_names().unwrap();
    let mut names = disk.names().unwrap();
    names.sort();
    assert_eq!(names, ["a", "c"]);
    disk.remove("c").unwrap();
    assert_eq!(kind(disk.remove("c")), ErrorKind::NotFound);
    assert!(disk.path("x").ends_with("x") && disk.path("x").starts_with(disk.path("")));
}

fn a_lock_is_held_by_one_open_file(disk: &dyn Disk) {
    let (one, other) = (disk.open("l", Mode::Update).unwrap(), disk.open("l", Mode::Update).unwrap());
    assert!(!disk.is_locked("l") && !disk.is_locked("none"));
    assert!(one.try_lock().unwrap() && one.try_lock().unwrap() && disk.is_locked("l"));
    assert!(!other.try_lock().unwrap());
    drop(other);
    assert!(disk.is_locked("l"));
    one.unlock();
    assert!(!disk.is_locked("l"));
    assert!(one.try_lock().unwrap());
    drop(one);
    assert!(!disk.is_locked("l"));
    assert!(disk.open("l", Mode::Update).unwrap().try_lock().unwrap());
}

fn conforms(disk: &dyn Disk) {
    disk.make_folder().unwrap();
    disk.make_folder().unwrap();
    files_hold_what_is_written(disk);
    names_are_given_once(disk);
    a_lock_is_held_by_one_open_file(disk);
    assert!(disk.sizes().first_bytes <= disk.sizes().max_bytes && disk.pid() > 0);
}

#[test]
fn the_real_disk_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let disk = RealDisk::new(&dir.path().join("inner/folder"));
    assert_eq!(kind(disk.names()), ErrorKind::NotFound);
    conforms(&disk);
}

#[test]
fn the_simulated_disk_conforms() {
    conforms(&SimDisk::new(0));
}
