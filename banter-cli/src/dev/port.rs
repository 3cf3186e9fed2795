//! Ports for the private services: the same at each start if they can be, so that an URL in somebody's notes
//! keeps working.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::ops::Range;

/// Below the ports that systems hand out for outgoing connections (from 32768 on Linux, 49152 on macOS): a port
/// remembered from there would now and then be taken.
const RANGE: Range<u16> = 20_000..30_000;

pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

pub(super) fn is_free_for_udp(port: u16) -> bool {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Two hundred ports for what is relayed, beside those of the services. Whoever shares them steps over what is
/// taken.
pub(super) fn relayed(seed: &str) -> Range<u16> {
    const WIDTH: u16 = 200;
    let start = RANGE.end + u16::try_from(fingerprint(seed) % 13).unwrap_or(0) * WIDTH;
    start..start + WIDTH
}

/// Any free port.
pub(super) fn any() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The remembered port if it is free, else the first free one from a place that depends on `seed` alone.
pub(super) fn choose(remembered: Option<u16>, seed: &str, is_free: impl Fn(u16) -> bool) -> Option<u16> {
    let width = RANGE.end - RANGE.start;
    let start = u16::try_from(fingerprint(seed) % u64::from(width)).unwrap_or(0);
    let around = (0..width).map(|step| RANGE.start + (start + step) % width);
    remembered.into_iter().chain(around).find(|port| is_free(*port))
}

/// FNV-1a: short, and the same in every version of this program.
pub(super) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remembered_port_is_kept_while_it_is_free() {
        assert_eq!(choose(Some(5432), "a", |_| true), Some(5432));
        let other = choose(Some(5432), "a", |port| port != 5432).unwrap();
        assert!(RANGE.contains(&other));
    }

    #[test]
    fn a_directory_has_its_port_and_moves_on_when_it_is_taken() {
        let first = choose(None, "/home/asha/banter postgres", |_| true).unwrap();
        assert_eq!(choose(None, "/home/asha/banter postgres", |_| true), Some(first));
        let next = choose(None, "/home/asha/banter postgres", |port| port != first).unwrap();
        assert!(RANGE.contains(&next) && next != first);
        assert_ne!(choose(None, "/home/asha/banter redis", |_| true), Some(first));
        assert_eq!(choose(None, "x", |_| false), None);
    }

    #[test]
    fn the_range_is_searched_to_its_ends() {
        for port in [RANGE.start, RANGE.end - 1] {
            assert_eq!(choose(None, "any", |p| p == port), Some(port));
        }
    }

    #[test]
    fn what_is_relayed_stands_beside_the_services_and_below_outgoing_connections() {
        for seed in 0..100 {
            let ports = relayed(&format!("/home/asha/{seed}"));
            assert!(ports.start >= RANGE.end && ports.end <= 32_768 && ports.len() == 200, "{ports:?}");
        }
    }

    #[test]
    fn a_socket_takes_its_port() {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        assert!(!is_free_for_udp(port));
        drop(socket);
        assert!(is_free_for_udp(port));
    }

    #[test]
    fn a_listener_takes_its_port() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!is_free(port));
        drop(listener);
        assert!(is_free(port));
    }
}
