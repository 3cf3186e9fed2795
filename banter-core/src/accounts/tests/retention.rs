use std::collections::BTreeMap;

use crate::accounts::retention::{document, tables};
use crate::testing::World;

#[tokio::test]
async fn every_table_and_every_column_has_its_fate() {
    let world = World::with_memory().await;
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select c.table_name::text, c.column_name::text
         from information_schema.columns c
         join information_schema.tables t using (table_schema, table_name)
         where c.table_schema = 'public' and t.table_type = 'BASE TABLE'",
    )
    .fetch_all(world.banter.pool())
    .await
    .unwrap();
    let mut schema: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in rows {
        schema.entry(table).or_default().push(column);
    }
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for table in tables() {
        let names = table.columns.iter().flat_map(|columns| columns.names).map(|name| (*name).to_owned());
        assert!(told.insert(table.name.into(), names.collect()).is_none(), "{} twice", table.name);
    }
    for columns in schema.values_mut().chain(told.values_mut()) {
        columns.sort_unstable();
    }
    assert_eq!(told, schema, "say in accounts/retention/ what becomes of it when an account is deleted");
}

#[test]
fn the_page_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/data-retention.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, document(), "run `banter user retention > docs/data-retention.md`");
}
