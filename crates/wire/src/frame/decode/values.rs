//! The columns of values, read whole before rows take from them.

use super::check_value;
use super::reader::Reader;
use super::tables::Tables;
use crate::frame::FrameError;
use crate::frame::number::BitReader;
use crate::frame::values::Mode;
use tributary_span::columns::{Columns, ValueType};

/// All columns of a frame, one behind the other, and how far each has been taken.
#[derive(Debug)]
pub(super) struct Values {
    values: Vec<u64>,
    next: Vec<usize>,
}

impl Values {
    /// Reads columns with so many values each.
    pub(super) fn read(
        counts: &[usize],
        tables: &Tables,
        columns: &Columns,
        reader: &mut Reader<'_>,
        bits: &mut BitReader<'_>,
    ) -> Result<Self, FrameError> {
        let (mut values, mut next) = (Vec::new(), Vec::with_capacity(counts.len()));
        let mut literal = tables.next_literal;
        for (&count, &value_type) in counts.iter().zip(&tables.columns) {
            next.push(values.len());
            // Each value takes a byte, so no count makes more memory than there are bytes.
            if count > reader.len() {
                return Err(FrameError::Malformed("the body ends early"));
            }
            values.reserve(count);
            match value_type {
                ValueType::Str | ValueType::Bytes | ValueType::Any => {
                    for _ in 0..count {
                        let place = match reader.number()? {
                            0 => {
                                values.push(0);
                                continue;
                            }
                            1 => {
                                literal += 1;
                                literal - 1
                            }
                            code => code - 2,
                        };
                        let text = tables.texts.get(place as usize);
                        let text = *text.ok_or(FrameError::Malformed("a text beyond the table"))?;
                        let value = u64::from(text.0);
                        if value_type == ValueType::Any || !tables.is_utf8(text) {
                            let utf8 = tables.is_utf8(text);
                            check_value(value_type, value, |_| {
                                Ok((columns.texts.get(text), utf8))
                            })?;
                        }
                        values.push(value);
                    }
                }
                ValueType::Bool => {
                    for &byte in reader.take(count)? {
                        check_value(value_type, u64::from(byte), |_| Ok((&[], false)))?;
                        values.push(u64::from(byte));
                    }
                }
                ValueType::Int if count > 0 => {
                    let mode = Mode::from_u8(reader.byte()?);
                    let mode = mode.ok_or(FrameError::Malformed("a column's mode"))?;
                    let mut before = 0i64;
                    for &class in reader.take(count)? {
                        let number = bits.take_number(class)?;
                        let value = match mode {
                            Mode::Plain => number,
                            Mode::Delta => before.wrapping_add(number),
                        };
                        before = value;
                        values.push(value.cast_unsigned());
                    }
                }
                ValueType::Double => {
                    for &bytes in reader.take(count)? {
                        values.push(match bytes {
                            0 => 0,
                            1..=8 => bits.take(8 * u32::from(bytes))? << (64 - 8 * bytes),
                            _ => return Err(FrameError::Malformed("a double's length")),
                        });
                    }
                }
                ValueType::Int | ValueType::Empty => {}
            }
        }
        Ok(Values { values, next })
    }

    /// The next value of a column.
    #[inline]
    pub(super) fn take(&mut self, column: u32) -> u64 {
        let Some(next) = self.next.get_mut(column as usize) else { return 0 };
        *next += 1;
        self.values.get(*next - 1).copied().unwrap_or_default()
    }
}
