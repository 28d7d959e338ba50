//! Texts that look for trouble: every kind of number, index keys in and out of place, every escape, deep
//! nesting, and texts that are almost JSON.

use std::collections::BTreeSet;

/// SplitMix64: small, and the same on every machine.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among[self.below(among.len())]
    }

    /// A text; one in five is spoilt at one place, which may leave it JSON or not.
    pub(super) fn document(&mut self) -> String {
        let mut text = String::new();
        if self.chance(20) {
            self.tower(&mut text);
        } else {
            self.value(&mut text, 0);
        }
        if self.chance(5) { self.spoilt(&text) } else { text }
    }

    fn spoilt(&mut self, text: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        let at = self.below(chars.len());
        let signs: Vec<char> = "{}[]:,\"\\/0123456789.eE+-truefalsn \n\t\0\u{feff}\u{e9}".chars().collect();
        let sign = signs[self.below(signs.len())];
        match self.below(4) {
            0 => _ = chars.remove(at),
            1 => chars.insert(at, sign),
            2 => chars[at] = sign,
            _ => chars.truncate(at),
        }
        chars.into_iter().collect()
    }

    /// Nested nearly as far as is allowed, or a little further.
    fn tower(&mut self, text: &mut String) {
        let levels = 58 + self.below(9);
        let mut ends = Vec::new();
        for _ in 0..levels {
            let (start, end) =
                [("[", "]"), ("{\"a\":", "}"), ("[7, ", "]"), ("{\"z\":0,\"5\":", ",\"4\":4}")]
                    [self.below(4)];
            text.push_str(start);
            ends.push(end);
        }
        text.push_str("[]");
        text.extend(ends.into_iter().rev());
    }

    fn value(&mut self, text: &mut String, level: usize) {
        self.space(text);
        match self.below(if level < 6 { 9 } else { 5 }) {
            0 => text.push_str(self.pick(&["null", "true", "false", "[]", "{}", "\"\""])),
            1 | 2 => text.push_str(&self.fair_number()),
            3 | 4 => self.string(text),
            5 => self.array(text, level),
            _ => self.object(text, level),
        }
        self.space(text);
    }

    fn array(&mut self, text: &mut String, level: usize) {
        text.push('[');
        for n in 0..1 + self.below(5) {
            if n > 0 {
                text.push(',');
            }
            self.value(text, level + 1);
        }
        text.push(']');
    }

    fn object(&mut self, text: &mut String, level: usize) {
        text.push('{');
        let count = if self.chance(12) { 20 + self.below(30) } else { self.below(7) };
        let mut keys = BTreeSet::new();
        for n in 0..count {
            let mut key = self.key();
            while !keys.insert(key.clone()) && !self.chance(200) {
                key = self.key();
            }
            if n > 0 {
                text.push(',');
            }
            self.space(text);
            self.quoted(text, &key);
            self.space(text);
            text.push(':');
            if count < 20 { self.value(text, level + 1) } else { text.push_str(&self.fair_number()) }
        }
        self.space(text);
        text.push('}');
    }

    fn key(&mut self) -> String {
        match self.below(8) {
            0 | 1 => self.below(40).to_string(),
            2 => (u64::from(u32::MAX) + 3 - self.below(7) as u64).to_string(),
            3 => (self.next() % (1 << 33)).to_string(),
            4 => self
                .pick(&["01", "00", "-1", "-0", "1.0", "1e3", " 1", "+1", "0x1", "9007199254740993", ""])
                .into(),
            5 => self
                .pick(&["id", "title", "toString", "constructor", "prototype", "length", "é", "\u{2028}"])
                .into(),
            6 if self.chance(100) => "__proto__".into(),
            _ => (0..1 + self.below(3)).map(|_| char::from(b'a' + self.below(26) as u8)).collect(),
        }
    }

    /// A text between quotes, some of its characters escaped though they need not be.
    fn quoted(&mut self, text: &mut String, value: &str) {
        text.push('"');
        for char in value.chars() {
            match char {
                _ if self.chance(10) => self.escaped(text, char),
                '"' | '\\' | '\0'..' ' => self.escaped(text, char),
                _ => text.push(char),
            }
        }
        text.push('"');
    }

    fn escaped(&mut self, text: &mut String, char: char) {
        let short = ('"', '\\', '/', '\u{8}', '\u{c}', '\n', '\r', '\t');
        let (a, b, c, d, e, f, g, h) = short;
        let letter = [a, b, c, d, e, f, g, h].iter().position(|short| *short == char);
        if let Some(place) = letter.filter(|_| self.chance(2)) {
            text.push('\\');
            text.push(char::from(b"\"\\/bfnrt"[place]));
            return;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            let hex = if self.chance(2) { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") };
            text.push_str(&hex);
        }
    }

    fn string(&mut self, text: &mut String) {
        if self.chance(150) {
            text.push_str(self.pick(&[
                "\"\\ud800\"",
                "\"\\udc00x\"",
                "\"\\ud83d\\n\"",
                "\"\\ud83d\\ud83d\\ude00\"",
            ]));
            return;
        }
        let value: String = (0..self.below(12)).map(|_| self.char()).collect();
        self.quoted(text, &value);
    }

    fn char(&mut self) -> char {
        const EDGES: [u32; 14] = [
            0x1f, 0x20, 0x7e, 0x7f, 0x80, 0x9f, 0x2027, 0x2028, 0x2029, 0xd7ff, 0xe000, 0xfeff, 0xffff,
            0x10ffff,
        ];
        let code = match self.below(8) {
            0 => self.below(0x20) as u32,
            1 => u32::from(b"\"\\/"[self.below(3)]),
            2 => EDGES[self.below(EDGES.len())],
            3 => self.below(0x11_0000) as u32,
            _ => 0x20 + self.below(0x5f) as u32,
        };
        char::from_u32(code).unwrap_or('\u{1f600}')
    }

    fn space(&mut self, text: &mut String) {
        if self.chance(6) {
            text.push_str(self.pick(&[" ", "\n", "\t", "\r\n", "  \n\t "]));
        }
    }

    /// A number that is rarely refused, so that most documents are accepted.
    fn fair_number(&mut self) -> String {
        match self.below(60) {
            0 => self.number(),
            1..20 => self.below(1_000_000).to_string(),
            20..30 => format!("-{}", self.next() >> (11 + self.below(50))),
            30..40 => self
                .pick(&["0", "-0", "-0.0", "0e0", "1.0", "1e2", "1E+2", "1e21", "1e-7", "5e-324", "1e-400"])
                .into(),
            40..50 => format!("{:e}", self.double()),
            _ => format!("{}.{}", self.below(100_000), self.next()),
        }
    }

    /// Any number, refused ones included.
    pub(super) fn number(&mut self) -> String {
        let minus = if self.chance(3) { "-" } else { "" };
        let double = self.double().abs();
        let number = match self.below(10) {
            0 => self.next().to_string(),
            1 => (self.next() >> self.below(63)).to_string(),
            2 => format!("{:.0}", 2f64.powi(self.below(200) as i32) * (1 + self.below(9)) as f64),
            3 => format!("{}{}", 1 + self.below(9), "0".repeat(self.below(30))),
            4 => format!("{double:e}"),
            5 => format!("{double:?}"),
            6 => self.midpoint(),
            7 => format!("{}.{}e{}", self.below(10), self.next(), self.below(700) as i64 - 370),
            8 => format!("{}E+{}", self.below(1000), self.below(330)),
            _ => format!("0.{}{}", "0".repeat(self.below(12)), self.next()),
        };
        format!("{minus}{number}")
    }

    fn double(&mut self) -> f64 {
        let double = f64::from_bits(self.next());
        if double.is_finite() { double } else { 0.1 }
    }

    /// Half-way between two doubles, where rounding is to the even one, or a hair beside it.
    fn midpoint(&mut self) -> String {
        let odd = (1u64 << 53) | (self.next() >> 10) | 1;
        let hair = ["", ".0", ".000000000000000000000000000000001", ".5", "e0"][self.below(5)];
        format!("{odd}{hair}")
    }
}
