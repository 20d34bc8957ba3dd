use super::*;

const TEMPO: &str = r#"{"format":"vParquet4","blockID":"b27b0e53-66a0-4505-afd6-434ae3cd4a10","tenantID":"single-tenant","startTime":"2025-06-15T15:06:40Z","endTime":"2025-06-15T16:06:40Z","totalObjects":3000,"size":1156221,"compactionLevel":0,"indexPageSize":0,"totalRecords":3,"bloomShards":1,"footerSize":51767,"dedicatedColumns":[{"n":"http.route"},{"s":"resource","n":"a","t":"int","o":["array"]}],"replicationFactor":1}"#;

#[test]
fn a_meta_is_the_json_it_was() {
    let meta = BlockMeta::parse(TEMPO.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(meta.to_json()).unwrap(), TEMPO);
    assert_eq!(meta.start_time, 1_750_000_000_000_000_000);
    assert_eq!(meta.bloom_count(), 1);
}

#[test]
fn what_is_absent_is_zero_and_what_is_unknown_is_ignored() {
    let meta = BlockMeta::parse(br#"{"format":"v9","minID":"x","dedicatedColumns":null}"#).unwrap();
    assert_eq!(meta.format, Encoding::Other("v9".to_owned()));
    assert_eq!((meta.total_objects, meta.start_time, meta.bloom_count()), (0, 0, 10));
}

#[test]
fn a_torn_meta_is_an_error() {
    for end in 0..TEMPO.len() {
        assert!(BlockMeta::parse(&TEMPO.as_bytes()[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn objects_have_tempos_names() {
    let objects = [Object::Meta, Object::Data, Object::Bloom(12)];
    assert_eq!(objects.map(Object::name), ["meta.json", "data.parquet", "bloom-12"]);
}

#[test]
fn odd_hours_count_as_times_and_tempo_does_not_see_them() {
    let plain = BlockMeta { start_time: 100 * HOUR, end_time: 101 * HOUR, ..BlockMeta::default() };
    assert!(!String::from_utf8(plain.to_json()).unwrap().contains("tributary"));
    let odd = BlockMeta { odd_hours: vec![(0, 0), (500, 501)], ..plain.clone() };
    assert_eq!(BlockMeta::parse(&odd.to_json()).unwrap(), odd);
    assert_eq!((plain.extent(), odd.extent()), ((100 * HOUR, 101 * HOUR), (0, 502 * HOUR - 1)));
    for (start, end, of_plain, of_odd) in [
        (0, u64::MAX, true, true),
        (100 * HOUR, 100 * HOUR, true, true),
        (0, 0, false, true),
        (HOUR - 1, HOUR, false, true),
        (HOUR, 100 * HOUR - 1, false, false),
        (501 * HOUR, 501 * HOUR, false, true),
        (502 * HOUR, u64::MAX, false, false),
    ] {
        assert_eq!(
            (plain.overlaps(start, end), odd.overlaps(start, end)),
            (of_plain, of_odd),
            "{start}"
        );
    }
}

#[test]
fn metas_share_their_list_of_columns() {
    let json = |name: &str| format!(r#"{{"dedicatedColumns":[{{"n":"{name}"}}]}}"#);
    let parse = |name| BlockMeta::parse(json(name).as_bytes()).unwrap().dedicated_columns;
    let (one, other) = (parse("a"), parse("b"));
    assert!(Arc::ptr_eq(&one, &parse("a")) && !Arc::ptr_eq(&one, &other));
    assert_eq!((one[0].name.as_str(), other[0].name.as_str()), ("a", "b"));
    let none = BlockMeta::parse(br#"{"dedicatedColumns":null}"#).unwrap();
    assert!(none.dedicated_columns.is_empty());
    assert!(!String::from_utf8(none.to_json()).unwrap().contains("dedicated"));
}
