//! A process without a network: a network namespace of its own, in which there is only the loopback. Knows no file.

use std::fs;
use std::io;

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};
use rustix::process::{getgid, getuid};
use rustix::thread::UnshareFlags;

/// From here on this process has no network but the loopback. It must have one thread only.
pub(super) fn cut() -> io::Result<()> {
    match unshare(UnshareFlags::NEWNET) {
        Ok(()) => {}
        Err(Errno::PERM) => own_namespace()?,
        Err(error) => return Err(error.into()),
    }
    loopback_up()
}

/// Whoever is not root needs a user namespace for it, in which everything stays as it is for him and all others are nobody.
fn own_namespace() -> io::Result<()> {
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}

#[expect(
    deprecated,
    reason = "the one that replaces it is unsafe for shared file tables, which these flags do not touch"
)]
fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    rustix::thread::unshare(flags)
}

/// `ip link set lo up`, in the words of netlink (rtnetlink(7)): in a new namespace the loopback is the first device, and down.
fn loopback_up() -> io::Result<()> {
    const NEW_LINK: u16 = 16;
    const REQUEST_AND_ACKNOWLEDGE: u16 = 0x1 | 0x4;
    const LENGTH: u32 = 32;
    // Its protocol 0 is the one about links (NETLINK_ROUTE).
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    let mut message = Vec::with_capacity(LENGTH as usize);
    message.extend(LENGTH.to_ne_bytes());
    message.extend(NEW_LINK.to_ne_bytes());
    message.extend(REQUEST_AND_ACKNOWLEDGE.to_ne_bytes());
    // A number for the answer, and whom it goes to: the kernel.
    message.extend([1_u32, 0].map(u32::to_ne_bytes).concat());
    // Any family, any type, device 1, its flag `up` set, that flag alone changed.
    message.extend([0_u32, 1, 1, 1].map(u32::to_ne_bytes).concat());
    send(&socket, &message, SendFlags::empty())?;
    let mut answer = [0_u8; 256];
    let (_, length) = recv(&socket, &mut answer, RecvFlags::empty())?;
    let error = answer.get(16..20).filter(|_| length >= 20).and_then(|bytes| bytes.try_into().ok());
    match error.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(-error)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
