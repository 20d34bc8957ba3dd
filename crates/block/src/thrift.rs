//! Thrift's compact protocol, as far as page headers and offset indices need it.
//!
//! Format: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

use crate::error::BlockError;
use tributary_span::protobuf::{put, take_varint};

const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// Writes one struct; fields in ascending order.
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    last: u8,
}

impl<'a> Writer<'a> {
    /// A struct at the end of `out`.
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Writer { out, last: 0 }
    }

    fn header(&mut self, field: u8, wire_type: u8) {
        debug_assert!(field > self.last && field - self.last < 16, "fields ascend by short steps");
        self.out.push((field - self.last) << 4 | wire_type);
        self.last = field;
    }

    /// An `i32` field.
    pub(crate) fn i32(&mut self, field: u8, value: i32) {
        self.header(field, I32);
        let zigzag = (value << 1) ^ (value >> 31);
        put::varint(self.out, u64::from(zigzag.cast_unsigned()));
    }

    /// A struct field that `fill` writes.
    pub(crate) fn record(&mut self, field: u8, fill: impl FnOnce(&mut Writer<'_>)) {
        self.header(field, STRUCT);
        let mut inner = Writer { out: self.out, last: 0 };
        fill(&mut inner);
        inner.finish();
    }

    /// Ends the struct.
    pub(crate) fn finish(self) {
        self.out.push(0);
    }
}

/// Deepest nesting that is skipped over.
const MAX_DEPTH: usize = 16;

/// Reads structs off the front of a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

fn torn() -> BlockError {
    BlockError::corrupt("a Thrift struct ends early or is none")
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn byte(&mut self) -> Result<u8, BlockError> {
        let (&byte, rest) = self.rest.split_first().ok_or_else(torn)?;
        self.rest = rest;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, BlockError> {
        take_varint(&mut self.rest).map_err(|_| torn())
    }

    /// An integer of up to 64 bits, where one is due.
    pub(crate) fn int(&mut self) -> Result<i64, BlockError> {
        let n = self.varint()?;
        Ok((n >> 1).cast_signed() ^ -((n & 1).cast_signed()))
    }

    /// Hands each field of a struct to `field` by number. It reads the value and says so by
    /// `true`, or leaves it to be skipped.
    pub(crate) fn record(
        &mut self,
        mut field: impl FnMut(&mut Self, i64) -> Result<bool, BlockError>,
    ) -> Result<(), BlockError> {
        self.fields(0, &mut |reader, number, _| field(reader, number))
    }

    /// As [`Reader::record`], with the field's type.
    pub(crate) fn typed_record(
        &mut self,
        mut field: impl FnMut(&mut Self, i64, u8) -> Result<bool, BlockError>,
    ) -> Result<(), BlockError> {
        self.fields(0, &mut field)
    }

    fn fields(
        &mut self,
        depth: usize,
        field: &mut dyn FnMut(&mut Self, i64, u8) -> Result<bool, BlockError>,
    ) -> Result<(), BlockError> {
        let mut number = 0i64;
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Ok(());
            }
            let step = header >> 4;
            number = if step == 0 { self.int()? } else { number.wrapping_add(i64::from(step)) };
            if !field(self, number, header & 15)? {
                self.skip(header & 15, depth + 1)?;
            }
        }
    }

    /// Length of a list of structs, where one is due. No more is claimed than bytes are left.
    pub(crate) fn list(&mut self) -> Result<usize, BlockError> {
        let header = self.byte()?;
        let length = if header >> 4 == 15 { self.varint()? } else { u64::from(header >> 4) };
        let length = usize::try_from(length).map_err(|_| torn())?;
        if length > self.rest.len() { Err(torn()) } else { Ok(length) }
    }

    fn skip(&mut self, wire_type: u8, depth: usize) -> Result<(), BlockError> {
        if depth > MAX_DEPTH {
            return Err(torn());
        }
        match wire_type {
            1 | 2 => {}
            3 => drop(self.byte()?),
            4..=I64 => drop(self.varint()?),
            7 => self.rest = self.rest.get(8..).ok_or_else(torn)?,
            BINARY => {
                let length = usize::try_from(self.varint()?).map_err(|_| torn())?;
                self.rest = self.rest.get(length..).ok_or_else(torn)?;
            }
            LIST | SET => {
                let element = self.rest.first().ok_or_else(torn)? & 15;
                for _ in 0..self.list()? {
                    // Booleans take a byte in lists.
                    self.skip(if element < 3 { 3 } else { element }, depth + 1)?;
                }
            }
            STRUCT => self.fields(depth, &mut |_, _, _| Ok(false))?,
            _ => return Err(torn()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_struct_is_what_was_written() {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.i32(1, -3);
        writer.record(5, |inner| inner.i32(2, 7));
        writer.i32(8, i32::MAX);
        writer.finish();
        bytes.push(99);
        let mut reader = Reader::new(&bytes);
        let mut found = Vec::new();
        reader
            .record(|reader, field| {
                if field == 5 {
                    return Ok(false);
                }
                found.push((field, reader.int()?));
                Ok(true)
            })
            .unwrap();
        assert_eq!(found, [(1, -3), (8, i64::from(i32::MAX))]);
        assert_eq!(reader.rest(), [99]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            drop(Reader::new(&bytes).record(|_, _| Ok(false)));
            drop(Reader::new(&bytes).record(|r, f| if f % 2 == 0 { r.int().map(|_| true) } else { Ok(false) }));
        }
    }
}
