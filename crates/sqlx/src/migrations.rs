//! Migrations, which are also published as files: see `migrations/` in the package.

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

use crate::prefix::Prefix;

/// Migrations of a database: version, description and text of each.
pub(crate) type Files = [(i64, &'static str, &'static str)];

/// Returns the migrations with the prefix in their names.
///
/// They only add, and later ones are ignored: this version works with the tables of a later one
/// during a rolling update or after a rollback.
pub(crate) fn migrator(files: &Files, prefix: &Prefix) -> Migrator {
    let files = files.iter().map(|(version, description, text)| {
        let text = prefix.apply(text);
        Migration::new(
            *version,
            (*description).into(),
            MigrationType::Simple,
            text,
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(files.collect());
    migrator.dangerous_set_table_name(record(prefix));
    migrator.set_ignore_missing(true);
    // The stores lock: the adoption comes before it.
    migrator.set_locking(false);
    migrator
}

/// Table that records the applied migrations: not that of sqlx, which is for the application's own
/// migrations.
pub(crate) fn record(prefix: &Prefix) -> String {
    prefix.name("tower_warder_migrations")
}

/// Records as applied what the first versions recorded in `first_record`, the table of sqlx. Rows of
/// the application's own migrations differ in their checksums.
///
/// Goes through all of them, because an earlier call may have been interrupted after some.
pub(crate) async fn adopt<C: Migrate>(
    connection: &mut C,
    migrator: &Migrator,
    record: &str,
    first_record: &str,
) -> Result<(), MigrateError> {
    connection.ensure_migrations_table(record).await?;
    let recorded = connection.list_applied_migrations(record).await?;
    let applied = connection.list_applied_migrations(first_record).await?;
    for migration in migrator.iter() {
        let is_recorded = recorded.iter().any(|it| it.version == migration.version);
        let is_applied = applied
            .iter()
            .any(|it| it.version == migration.version && it.checksum == migration.checksum);
        if is_applied && !is_recorded {
            connection.skip(record, migration).await?;
        }
    }
    Ok(())
}

/// Table of sqlx.
pub(crate) const FIRST_RECORD: &str = "_sqlx_migrations";
