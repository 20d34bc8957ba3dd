use super::*;
use parquet::schema::types::SchemaDescriptor;

#[test]
fn the_message_has_the_tables_leaves() {
    let schema = SchemaDescriptor::new(message_type().unwrap());
    let leaves = leaves();
    assert_eq!((leaves.len(), schema.num_columns()), (103, 103));
    for (leaf, column) in leaves.iter().zip(schema.columns()) {
        assert_eq!(plain_path(&leaf.path), plain_parts(column.path().parts()));
        assert_eq!(i16::from(leaf.max_def), column.max_def_level(), "{}", leaf.path);
        assert_eq!(i16::from(leaf.max_rep), column.max_rep_level(), "{}", leaf.path);
    }
}

/// A path with its marks taken off, as both encodings have it but for their list groups.
fn plain_path(path: &str) -> String {
    path.replace("[]", "").replace("{}", ".")
}
