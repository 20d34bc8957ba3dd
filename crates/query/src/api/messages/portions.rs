//! Answers in several messages, each of which a client takes.

/// The longest message of a stream, bytes: that of Tempo. Go's clients take four times as much.
pub(super) const LONGEST: usize = 1 << 20;

/// Puts items into as few messages as they fit into, in their order; `end` stands in each. An item
/// that is too long for any message has one of its own.
pub(super) fn portions<T>(
    items: impl IntoIterator<Item = T>,
    put: impl Fn(&mut Vec<u8>, T),
    end: impl FnOnce(&mut Vec<u8>),
) -> Vec<Vec<u8>> {
    let mut last = Vec::new();
    end(&mut last);
    let room = LONGEST.saturating_sub(last.len());
    let (mut messages, mut message) = (Vec::new(), Vec::new());
    for item in items {
        let before = message.len();
        put(&mut message, item);
        if before > 0 && message.len() > room {
            let next = message.split_off(before);
            message.extend_from_slice(&last);
            messages.push(std::mem::replace(&mut message, next));
        }
    }
    message.extend_from_slice(&last);
    messages.push(message);
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(items: &[usize]) -> Vec<usize> {
        let put = |out: &mut Vec<u8>, n: &usize| out.extend(vec![1; *n]);
        let messages = portions(items, put, |out| out.extend([7, 7]));
        assert!(messages.iter().all(|message| message.ends_with(&[7, 7])));
        messages.iter().map(Vec::len).collect()
    }

    #[test]
    fn messages_are_filled_and_not_overfilled() {
        let room = LONGEST - 2;
        assert_eq!(lengths(&[]), [2]);
        assert_eq!(lengths(&[5, 6]), [13]);
        assert_eq!(lengths(&[room - 1, 1, 1]), [LONGEST, 3]);
        assert_eq!(lengths(&[1, room, 2]), [3, LONGEST, 4]);
        assert_eq!(lengths(&[LONGEST + 5, 1]), [LONGEST + 7, 3]);
    }
}
