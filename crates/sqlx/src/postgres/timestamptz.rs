//! Time in PostgreSQL.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::encode::{Encode, IsNull};
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef, Postgres};
use sqlx::{Decode, Type};
use tower_warder::BoxError;

/// `TIMESTAMPTZ`: whole microseconds since 2000-01-01 in UTC, exactly as PostgreSQL stores and
/// sends it.
#[derive(Clone, Copy)]
pub(super) struct Timestamptz(pub(super) SystemTime);

impl From<Timestamptz> for SystemTime {
    fn from(time: Timestamptz) -> Self {
        time.0
    }
}

impl Type<Postgres> for Timestamptz {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl Encode<'_, Postgres> for Timestamptz {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxError> {
        let micros = match self.0.duration_since(epoch()) {
            Ok(since) => i64::try_from(since.as_micros())?,
            Err(before) => -i64::try_from(before.duration().as_micros())?,
        };
        Encode::<Postgres>::encode(micros, buffer)
    }
}

impl Decode<'_, Postgres> for Timestamptz {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxError> {
        let micros: i64 = Decode::<Postgres>::decode(value)?;
        let distance = Duration::from_micros(micros.unsigned_abs());
        let time = match micros {
            0.. => epoch().checked_add(distance),
            _ => epoch().checked_sub(distance),
        };
        Ok(Self(
            time.ok_or("the time is out of the range of this machine")?,
        ))
    }
}

fn epoch() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(946_684_800)
}

/// Its OID in every PostgreSQL.
const TIMESTAMPTZ: Oid = Oid(1184);
