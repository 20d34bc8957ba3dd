use super::*;
use crate::encode;
use proptest::prelude::*;

fn collect<T>(
    read: impl FnOnce(&mut dyn FnMut(T) -> Result<(), BlockError>) -> Result<(), BlockError>,
) -> Result<Vec<T>, BlockError> {
    let mut all = Vec::new();
    read(&mut |value| {
        all.push(value);
        Ok(())
    })?;
    Ok(all)
}

proptest! {
    #[test]
    fn hybrids_come_back(runs in prop::collection::vec((any::<u32>(), 1usize..100), 0..20), width in 1u32..=32) {
        let values: Vec<u32> =
            runs.iter().flat_map(|&(v, n)| std::iter::repeat_n(v >> (32 - width), n)).collect();
        let mut bytes = Vec::new();
        encode::hybrid(&mut bytes, &values, width);
        let mut found = Vec::new();
        hybrid(&bytes, width, values.len(), |v, n| { found.extend(std::iter::repeat_n(v, n)); Ok(()) }).unwrap();
        prop_assert_eq!(found, values);
    }

    #[test]
    fn integers_come_back(values in prop::collection::vec(prop_oneof![any::<i64>(), -3i64..3], 0..400), take in 0usize..400) {
        let mut bytes = Vec::new();
        encode::delta(&mut bytes, values.iter().copied(), false);
        bytes.push(7);
        let take = take.min(values.len());
        let mut found = Vec::new();
        let rest = delta(&bytes, take, false, |v| { found.extend_from_slice(v); Ok(()) }).unwrap();
        prop_assert_eq!(rest, &[7][..]);
        prop_assert_eq!(&found[..], &values[..take]);
    }

    #[test]
    fn narrow_integers_come_back(values in prop::collection::vec(any::<i32>(), 0..300)) {
        let mut bytes = Vec::new();
        encode::delta(&mut bytes, values.iter().map(|&v| i64::from(v)), true);
        let mut found = Vec::new();
        delta(&bytes, values.len(), true, |v| { found.extend(v.iter().map(|&v| v as i32)); Ok(()) }).unwrap();
        prop_assert_eq!(found, values);
    }

    #[test]
    fn byte_strings_come_back(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..200), skip in 0usize..200) {
        let skip = skip.min(values.len());
        let mut bytes = Vec::new();
        encode::delta_lengths(&mut bytes, values.iter().map(Vec::as_slice));
        let mut found = Vec::new();
        delta_lengths(&bytes, skip, values.len() - skip, |v| { found.push(v.to_vec()); Ok(()) }).unwrap();
        prop_assert_eq!(&found[..], &values[skip..]);
        prop_assert!(delta_lengths(&bytes, skip, values.len() - skip + 1, |_| Ok(())).is_err());
    }

    #[test]
    fn byte_strings_with_much_in_common_come_back(values in prop::collection::vec(prop::collection::vec(0u8..3, 0..9), 0..200), skip in 0usize..200) {
        let skip = skip.min(values.len());
        let mut bytes = Vec::new();
        encode::delta_strings(&mut bytes, values.iter().map(Vec::as_slice));
        let mut found = Vec::new();
        delta_strings(&bytes, skip, values.len() - skip, |v| { found.push(v.to_vec()); Ok(()) }).unwrap();
        prop_assert_eq!(&found[..], &values[skip..]);
        prop_assert!(delta_strings(&bytes, skip, values.len() - skip + 1, |_| Ok(())).is_err());
    }

    #[test]
    fn runs_alone_come_back(runs in prop::collection::vec((0u8..6, 1usize..40), 0..40), skip in 0usize..100) {
        let values: Vec<u8> = runs.iter().flat_map(|&(v, n)| std::iter::repeat_n(v, n)).collect();
        let skip = skip.min(values.len());
        let mut bytes = Vec::new();
        encode::runs(&mut bytes, &values, 3);
        let mut found: Vec<u8> = Vec::new();
        hybrid_into(&bytes, 3, values.len(), skip, &mut found).unwrap();
        prop_assert_eq!(&found[..], &values[skip..]);
    }

    #[test]
    fn booleans_come_back(values in prop::collection::vec(any::<bool>(), 0..200)) {
        let mut bytes = Vec::new();
        encode::bits(&mut bytes, values.iter().copied());
        let found = collect(|f| bits(&bytes, 0, values.len(), f)).unwrap();
        prop_assert_eq!(found, values);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), width in 0u32..40, count in 0usize..1000) {
        drop(hybrid(&bytes, width, count, |_, _| Ok(())));
        drop(delta(&bytes, count, width % 2 == 0, |_| Ok(())));
        drop(delta_lengths(&bytes, width as usize, count, |_| Ok(())));
        drop(delta_strings(&bytes, width as usize, count, |_| Ok(())));
        drop(byte_arrays(&bytes, width as usize, count, |_| Ok(())));
        drop(fixed::<8>(&bytes, width as usize, count, |_| Ok(())));
        drop(bits(&bytes, width as usize, count, |_| Ok(())));
    }
}
