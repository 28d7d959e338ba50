//! Requests that are built once and differ in the numbers of their events alone.

use std::net::SocketAddr;

use crate::number;

/// A whole request, and where the numbers of its events stand.
#[derive(Clone)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Template {
    pub(crate) fn post(address: SocketAddr, path: &str, key: &str, body: &str) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self::of(format!("{head}{body}").into_bytes())
    }

    /// Of bytes that were seen somewhere.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let places = number::places(&bytes).collect();
        Self { bytes, places }
    }

    /// Events in one request.
    pub(crate) fn events(&self) -> u64 {
        self.places.len() as u64
    }

    /// Gives the events consecutive numbers.
    pub(crate) fn set_numbers(&mut self, first: u64) {
        for (number, place) in (first..).zip(&self.places) {
            number::write(&mut self.bytes[*place..], number);
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_of_a_request_has_a_number_of_its_own() {
        let address = "127.0.0.1:1".parse().unwrap();
        let mut template = Template::post(address, "/e", "k", &number::batch(3));
        template.set_numbers(41);
        let numbers: Vec<u64> = number::places(template.bytes())
            .map(|at| number::read(&template.bytes()[at..]).unwrap())
            .collect();
        assert_eq!((template.events(), numbers), (3, vec![41, 42, 43]));
    }
}
