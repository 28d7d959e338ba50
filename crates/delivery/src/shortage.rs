//! Running out of something: this side's failure, and never the endpoint's.

use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;

/// The system's number for having run out of descriptors, ports, buffers or memory, in this process or on this machine.
pub(crate) fn ran_out(error: &io::Error) -> Option<i32> {
    let number = error.raw_os_error()?;
    let of = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    of.iter().any(|one| one.raw_os_error() == number).then_some(number)
}

/// The same for what connecting to an address came to. Without a free port no address can be assigned; for IPv6 that is
/// also said on a machine that has no IPv6 at all, which stays so and is told of the attempt.
pub(crate) fn ran_out_connecting(error: &io::Error, to: SocketAddr) -> Option<i32> {
    let no_port = error.kind() == io::ErrorKind::AddrNotAvailable && to.is_ipv4();
    ran_out(error).or_else(|| error.raw_os_error().filter(|_| no_port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_side_ran_out_of_is_known() {
        let of = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            assert_eq!(ran_out(&of(errno)), Some(errno.raw_os_error()));
        }
        for errno in [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::ADDRNOTAVAIL] {
            assert_eq!(ran_out(&of(errno)), None);
        }
        assert_eq!(ran_out(&io::ErrorKind::NotFound.into()), None);
    }

    #[test]
    fn ports_run_out_and_a_missing_ipv6_does_not() {
        let error = io::Error::from_raw_os_error(Errno::ADDRNOTAVAIL.raw_os_error());
        let to = |text: &str| ran_out_connecting(&error, text.parse().unwrap());
        assert_eq!(to("8.8.8.8:443"), Some(Errno::ADDRNOTAVAIL.raw_os_error()));
        assert_eq!(to("[2606:4700::1111]:443"), None);
    }
}
