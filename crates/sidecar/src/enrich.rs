//! Resource attributes of the pod, added to resources that lack them: the sidecar shares its pod
//! with the application, so what the downward API says of one is true of the other.

use tributary_span::Columns;
use tributary_span::columns::{Attr, Attrs, Text, Texts, ValueType, owned};

/// Adds each of `wanted` to every resource that has no attribute of that key. What a sender said
/// itself stays as it is.
pub(crate) fn add_missing(columns: &mut Columns, wanted: &[(String, String)]) {
    if wanted.is_empty() {
        return;
    }
    let mut texts: Vec<Option<(Text, Text)>> = vec![None; wanted.len()];
    let mut attrs = Attrs::default();
    let mut ends = Vec::with_capacity(columns.resources.attrs_end.len());
    for resource in 0..columns.resources.attrs_end.len() {
        let own = columns.resource_attrs.range(owned(&columns.resources.attrs_end, resource));
        own.clone().for_each(|attr| attrs.push(attr));
        for ((key, value), known) in wanted.iter().zip(&mut texts) {
            if own.clone().any(|attr| columns.texts.get(attr.key) == key.as_bytes()) {
                continue;
            }
            let (key, value) = *known.get_or_insert_with(|| {
                let key = text(&mut columns.texts, key.as_bytes());
                (key, text(&mut columns.texts, value.as_bytes()))
            });
            attrs.push(Attr { key, value_type: ValueType::Str, value: u64::from(value.0) });
        }
        ends.push(u32::try_from(attrs.len()).unwrap_or(u32::MAX));
    }
    columns.resource_attrs = attrs;
    columns.resources.attrs_end = ends;
}

/// The number of a text, which is added if it is new: the encoder likes every text to stand once.
fn text(texts: &mut Texts, bytes: &[u8]) -> Text {
    let last = u32::try_from(texts.len()).unwrap_or(0);
    let found = (1..=last).map(Text).find(|&known| texts.get(known) == bytes);
    found.unwrap_or_else(|| texts.push(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_span::columns::Builder;

    fn resource(b: &mut Builder, attrs: &[(&str, &str)]) {
        for (key, value) in attrs {
            let (key, value) = (b.text(key.as_bytes()), b.text(value.as_bytes()));
            b.resource_attr(Attr { key, value_type: ValueType::Str, value: u64::from(value.0) });
        }
        b.end_resource(0, Text::EMPTY, Text::EMPTY);
    }

    fn resources(columns: &Columns) -> Vec<Vec<(&str, &str)>> {
        (0..columns.resources.attrs_end.len())
            .map(|i| {
                let pair = |a: Attr| (columns.texts.str(a.key), columns.texts.str(a.text()));
                columns.attrs_of_resource(i).map(pair).collect()
            })
            .collect()
    }

    #[test]
    fn only_missing_keys_are_added() {
        let mut b = Builder::new();
        resource(&mut b, &[("service.name", "shop"), ("k8s.pod.name", "mine")]);
        resource(&mut b, &[]);
        resource(&mut b, &[("host", "h")]);
        let mut columns = b.take();
        let wanted = [("k8s.pod.name", "pod-1"), ("k8s.node.name", "node-1")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()));
        add_missing(&mut columns, &wanted);
        assert_eq!(columns.check(), Ok(()));
        let both = [("k8s.pod.name", "pod-1"), ("k8s.node.name", "node-1")];
        let expected = [
            vec![("service.name", "shop"), ("k8s.pod.name", "mine"), both[1]],
            both.to_vec(),
            vec![("host", "h"), both[0], both[1]],
        ];
        assert_eq!(resources(&columns), expected);
        let mut texts: Vec<_> =
            (1..=columns.texts.len()).map(|n| columns.texts.get(Text(n as u32))).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), columns.texts.len(), "no text stands twice");
    }
}
