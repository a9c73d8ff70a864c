//! Files of accounts to import: CSV (RFC 4180) with a header, or a JSON object in each line.
//!
//! Reasons contain nothing of the file: it has hashes, and may have escape sequences of a terminal.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use csv::{ReaderBuilder, StringRecord};
use jiff::Timestamp;
use serde::Deserialize;
use tower_warder::{BoxError, UserStatus};
use tower_warder_accounts::{Email, UserImport};

/// File of accounts, which is read line by line.
pub(crate) struct ImportFile<R = BufReader<File>> {
    lines: Lines<R>,
    format: Format,
}

/// Line of a file: its number, from 1, and the account, or why it is refused.
pub(crate) struct ImportLine {
    pub(crate) number: u64,
    pub(crate) account: Result<UserImport, &'static str>,
}

enum Format {
    /// The names of the columns.
    Csv(StringRecord),
    JsonLines,
}

impl ImportFile {
    /// Opens the file, and checks the names of the columns.
    pub(crate) fn open(path: &Path) -> Result<Self, BoxError> {
        let place = path.display();
        let is_csv = match path.extension().and_then(|it| it.to_str()) {
            Some("csv") => true,
            Some("jsonl") => false,
            _ => return Err(format!("{place}: give a file that ends in .csv or .jsonl").into()),
        };
        let file = File::open(path).map_err(|error| format!("{place}: {error}"))?;
        let opened = Self::new(BufReader::new(file), is_csv);
        opened.map_err(|error| format!("{place}: {error}").into())
    }
}

impl<R: BufRead> ImportFile<R> {
    pub(crate) fn new(reader: R, is_csv: bool) -> Result<Self, BoxError> {
        let mut lines = Lines { reader, number: 0 };
        if !is_csv {
            let format = Format::JsonLines;
            return Ok(Self { lines, format });
        }
        let header = match lines.next()? {
            Some((_, text)) => fields(&text?)?,
            None => return Err("there is no line with the names of the columns".into()),
        };
        check_columns(&header)?;
        let format = Format::Csv(header);
        Ok(Self { lines, format })
    }

    /// Returns the next line that is not empty.
    pub(crate) fn next(&mut self) -> io::Result<Option<ImportLine>> {
        let Some((number, text)) = self.lines.next()? else {
            return Ok(None);
        };
        let row = text.and_then(|text| self.format.parse(&text));
        let account = row.and_then(|row| row.into_account(SystemTime::now()));
        Ok(Some(ImportLine { number, account }))
    }
}

fn check_columns(header: &StringRecord) -> Result<(), &'static str> {
    for (position, name) in header.iter().enumerate() {
        if !COLUMNS.contains(&name) {
            return Err(
                "a name in the first line is no column: the columns are email and hashed_password, \
                 and optionally status, is_admin and created_at, separated by commas",
            );
        }
        if header.iter().take(position).any(|other| other == name) {
            return Err("a column is there twice");
        }
    }
    for name in REQUIRED {
        if !header.iter().any(|it| it == name) {
            return Err("the columns email and hashed_password are required");
        }
    }
    Ok(())
}

impl Format {
    fn parse(&self, text: &str) -> Result<Row, &'static str> {
        match self {
            Self::JsonLines => serde_json::from_str(text).map_err(
                |_| "not a JSON object of email, hashed_password, status, is_admin and created_at",
            ),
            Self::Csv(header) => {
                let fields = fields(text)?;
                if fields.len() != header.len() {
                    return Err("not as many fields as there are columns");
                }
                let row = fields.deserialize(Some(header));
                row.map_err(|_| "not the values of its columns")
            }
        }
    }
}

/// Splits a line of CSV.
fn fields(text: &str) -> Result<StringRecord, &'static str> {
    // The crate would close them at the end.
    if !text.matches('"').count().is_multiple_of(2) {
        return Err("a quotation mark is not closed in its line");
    }
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .buffer_capacity(text.len().max(1))
        .from_reader(text.as_bytes());
    let mut fields = StringRecord::new();
    match reader.read_record(&mut fields) {
        Ok(true) => Ok(fields),
        _ => Err("not a line of CSV"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    email: String,
    /// `None` in systems where a user may have no password.
    #[serde(default)]
    hashed_password: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    is_admin: Option<Flag>,
    #[serde(default)]
    created_at: Option<String>,
}

/// `true` as it is exported from different databases.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Bool(bool),
    Number(u8),
    Text(String),
}

impl Row {
    fn into_account(self, now: SystemTime) -> Result<UserImport, &'static str> {
        let email = Email::new(&self.email).map_err(|_| "email is not an address")?;
        let hashed_password = self.hashed_password.unwrap_or_default();
        // PostgreSQL refuses NUL, and no format has the others.
        if hashed_password.contains(char::is_control) {
            return Err("hashed_password has a control character");
        }
        let status = match self.status {
            None => UserStatus::Pending,
            Some(text) => text
                .parse()
                .map_err(|_| "status is not pending, approved or disabled")?,
        };
        let is_admin = self.is_admin.map_or(Ok(false), Flag::into_bool)?;
        let created_at = self.created_at.map(|text| time(&text, now)).transpose()?;
        Ok(UserImport {
            status,
            is_admin,
            created_at,
            ..UserImport::new(email, hashed_password)
        })
    }
}

impl Flag {
    fn into_bool(self) -> Result<bool, &'static str> {
        let text = match self {
            Self::Bool(flag) => return Ok(flag),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.to_ascii_lowercase(),
        };
        match &*text {
            "1" | "t" | "true" => Ok(true),
            "0" | "f" | "false" => Ok(false),
            _ => Err("is_admin is not true or false"),
        }
    }
}

fn time(text: &str, now: SystemTime) -> Result<SystemTime, &'static str> {
    let time: Timestamp = text
        .parse()
        .map_err(|_| "created_at is not a time with its offset, such as 2024-05-01T12:00:00Z")?;
    let time = SystemTime::try_from(time).ok();
    time.filter(|time| (UNIX_EPOCH..=now).contains(time))
        .ok_or("created_at is before 1970 or in the future")
}

struct Lines<R> {
    reader: R,
    number: u64,
}

/// Text of a line without its end, or why it is refused.
type Text = Result<String, &'static str>;

impl<R: BufRead> Lines<R> {
    /// Returns the next line that is not empty, with its number.
    fn next(&mut self) -> io::Result<Option<(u64, Text)>> {
        loop {
            let mut bytes = Vec::new();
            let mut limited = io::Read::take(&mut self.reader, MAX_LINE_BYTES + 1);
            if limited.read_until(b'\n', &mut bytes)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let is_cut = limited.limit() == 0 && bytes.pop_if(|last| *last == b'\n').is_none();
            if is_cut {
                // Without keeping it.
                self.reader.skip_until(b'\n')?;
                return Ok(Some((self.number, Err("longer than 65536 bytes"))));
            }
            let Ok(text) = str::from_utf8(&bytes) else {
                return Ok(Some((self.number, Err("not UTF-8"))));
            };
            let text = match self.number {
                // A byte order mark.
                1 => text.strip_prefix('\u{feff}').unwrap_or(text),
                _ => text,
            };
            let text = text.trim_end_matches(['\r', '\n']);
            if !text.is_empty() {
                return Ok(Some((self.number, Ok(text.to_owned()))));
            }
        }
    }
}

const REQUIRED: [&str; 2] = ["email", "hashed_password"];
const COLUMNS: [&str; 5] = [
    "email",
    "hashed_password",
    "status",
    "is_admin",
    "created_at",
];
const MAX_LINE_BYTES: u64 = 65_536;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], is_csv: bool) -> Result<Vec<ImportLine>, BoxError> {
        let mut file = ImportFile::new(bytes, is_csv)?;
        let mut lines = Vec::new();
        while let Some(line) = file.next()? {
            lines.push(line);
        }
        Ok(lines)
    }

    fn one(text: &str, is_csv: bool) -> ImportLine {
        let lines = read(text.as_bytes(), is_csv).unwrap();
        let [line] = <[_; 1]>::try_from(lines).ok().unwrap();
        line
    }

    fn jane() -> UserImport {
        UserImport::new(Email::new("jane@example.org").unwrap(), "$2b$04$hash")
    }

    #[test]
    fn columns_may_have_any_order_and_be_absent() {
        let full = UserImport {
            status: UserStatus::Approved,
            is_admin: true,
            created_at: Some(UNIX_EPOCH + Duration::from_micros(1_714_564_800_250_000)),
            ..jane()
        };
        for (text, expected) in [
            (
                "email,hashed_password\njane@example.org,$2b$04$hash\n",
                jane(),
            ),
            (
                "hashed_password,email\r\n$2b$04$hash,Jane@Example.org",
                jane(),
            ),
            (
                "\u{feff}email,hashed_password\n\n\"jane@example.org\",\"$2b$04$hash\"\r\n\n",
                jane(),
            ),
            (
                "email,hashed_password,status,is_admin,created_at\njane@example.org,$2b$04$hash,,,",
                jane(),
            ),
            (
                "email,hashed_password,status,is_admin,created_at\njane@example.org,$2b$04$hash,approved,True,2024-05-01 14:00:00.25+02",
                full.clone(),
            ),
        ] {
            assert_eq!(one(text, true).account, Ok(expected), "{text}");
        }
        for (text, expected) in [
            (
                r#"{"email": "jane@example.org", "hashed_password": "$2b$04$hash"}"#,
                jane(),
            ),
            (
                r#"{"hashed_password": "$2b$04$hash", "email": "JANE@example.org", "status": null, "is_admin": 0, "created_at": null}"#,
                jane(),
            ),
            (
                r#"{"email": "jane@example.org", "hashed_password": "$2b$04$hash", "status": "approved", "is_admin": true, "created_at": "2024-05-01T12:00:00.25Z"}"#,
                full,
            ),
        ] {
            assert_eq!(one(text, false).account, Ok(expected), "{text}");
        }
    }

    #[test]
    fn formats_of_a_hash_stay_as_they_are() {
        for hash in [
            "argon2$argon2id$v=19$m=8,t=1,p=1$c2FsdA$dGFn",
            "a \"quoted\" one, ü",
            "",
            "=1+1",
        ] {
            let quoted = hash.replace('"', "\"\"");
            let text = format!("email,hashed_password\njane@example.org,\"{quoted}\"\n");
            assert_eq!(one(&text, true).account.unwrap().hashed_password, hash);
            let text = serde_json::json!({"email": "jane@example.org", "hashed_password": hash});
            let account = one(&text.to_string(), false).account;
            assert_eq!(account.unwrap().hashed_password, hash);
        }
    }

    #[test]
    fn invalid_values_are_refused() {
        let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
        let tomorrow = Timestamp::try_from(tomorrow).unwrap().to_string();
        let header = "email,hashed_password,status,is_admin,created_at";
        for row in [
            "jane,hash,,,",
            " jane@example.org,hash,,,",
            ",hash,,,",
            "jane@example.org,nul\0inside,,,",
            "jane@example.org,\u{1b}[31m,,,",
            "jane@example.org,hash,banned,,",
            "jane@example.org,hash,Approved,,",
            "jane@example.org,hash,,yes,",
            "jane@example.org,hash,,2,",
            "jane@example.org,hash,,-1,",
            "jane@example.org,hash,,,2024-05-01",
            "jane@example.org,hash,,,2024-05-01 12:00:00",
            "jane@example.org,hash,,,1714564800",
            "jane@example.org,hash,,,1969-12-31T23:59:59Z",
            &format!("jane@example.org,hash,,,{tomorrow}"),
            "jane@example.org,hash",
            "jane@example.org,hash,,,,",
            "jane@example.org;hash;;;",
            "jane@example.org,hash,,,\"",
            "jane@example.org,\"hash,,,",
        ] {
            let line = one(&format!("{header}\n{row}\n"), true);
            assert!(line.account.is_err(), "{row:?}");
            assert_eq!(line.number, 2);
        }
        for row in [
            "{}",
            "[]",
            "null",
            "{\"email\": \"jane@example.org\"",
            r#"{"email": "jane@example.org", "email": "eve@example.org", "hashed_password": "hash"}"#,
            r#"{"email": "jane@example.org", "hashed_password": "hash", "is_superuser": true}"#,
            r#"{"email": "jane@example.org", "hashed_password": "nul\u0000inside"}"#,
            r#"{"email": "jane@example.org", "hashed_password": 7}"#,
            r#"{"email": ["jane@example.org"], "hashed_password": "hash"}"#,
            r#"{"email": "jane@example.org", "hashed_password": "hash", "is_admin": 1.0}"#,
            r#"{"email": "jane@example.org", "hashed_password": "hash", "is_admin": "yes"}"#,
            r#"{"email": "jane@example.org", "hashed_password": "hash"} {}"#,
        ] {
            assert!(one(row, false).account.is_err(), "{row}");
        }
    }

    #[test]
    fn header_that_is_unknown_or_incomplete_is_an_error() {
        for text in [
            "",
            "\n\n",
            "email\n",
            "hashed_password,status\n",
            "email,hashed_password,email\n",
            "email;hashed_password\n",
            "email,hashed_password,is_superuser\n",
            "jane@example.org,hash\n",
            "\"email,hashed_password\n",
            &"x".repeat(100_000),
        ] {
            assert!(read(text.as_bytes(), true).is_err(), "{text:.40}");
        }
        let utf_16: Vec<u8> = "email,hashed_password\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(read(&utf_16, true).is_err());
    }

    #[test]
    fn unreadable_lines_do_not_end_the_file() {
        let valid = "jane@example.org,$2b$04$hash\n";
        let mut bytes = b"email,hashed_password\n".to_vec();
        for bad in [
            &b"j\xffne@example.org,hash"[..],
            &b"x".repeat(65_537),
            &b"x".repeat(1 << 20),
        ] {
            bytes.extend(bad);
            bytes.push(b'\n');
            bytes.extend(valid.bytes());
        }
        let lines = read(&bytes, true).unwrap();
        let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 3, 4, 5, 6, 7]);
        for pair in lines.chunks(2) {
            assert!(pair[0].account.is_err());
            assert_eq!(pair[1].account, Ok(jane()));
        }
    }

    #[test]
    fn line_of_the_maximum_length_is_read() {
        for (end, is_read) in [("\n", true), ("", true), ("x\n", false), ("x", false)] {
            let start = "email,hashed_password\njane@example.org,";
            let hash = "x".repeat(65_536 - "jane@example.org,".len());
            let line = one(&format!("{start}{hash}{end}"), true);
            assert_eq!(line.account.is_ok(), is_read, "{end:?}");
        }
    }

    #[test]
    fn endless_line_is_refused() {
        let endless = io::Read::take(io::repeat(b'x'), 1 << 27);
        let mut file = ImportFile::new(BufReader::new(endless), false).unwrap();
        assert!(file.next().unwrap().unwrap().account.is_err());
        assert!(file.next().unwrap().is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, is_csv: bool) {
            let mut text = b"email,hashed_password\n".to_vec();
            text.extend(bytes);
            let lines = read(&text, is_csv);
            prop_assert!(lines.is_ok());
        }
    }
}
