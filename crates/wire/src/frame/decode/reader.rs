//! Taking a frame's body apart, from front to back.

use crate::frame::FrameError;
use tributary_span::protobuf::take_varint;

const END: FrameError = FrameError::Malformed("the body ends early");

/// What is left of a body.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Reader { rest: body }
    }

    /// Bytes left.
    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(END)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes bytes off the end.
    pub(super) fn take_back(&mut self, len: usize) -> Result<&'a [u8], FrameError> {
        let at = self.rest.len().checked_sub(len).ok_or(END)?;
        let (rest, taken) = self.rest.split_at_checked(at).ok_or(END)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, FrameError> {
        let (&byte, rest) = self.rest.split_first().ok_or(END)?;
        self.rest = rest;
        Ok(byte)
    }

    #[inline]
    pub(super) fn number(&mut self) -> Result<u32, FrameError> {
        if let Some((&byte, rest)) = self.rest.split_first()
            && byte < 0x80
        {
            self.rest = rest;
            return Ok(u32::from(byte));
        }
        let number = take_varint(&mut self.rest).map_err(|_| END)?;
        u32::try_from(number).map_err(|_| FrameError::Malformed("a number beyond 32 bits"))
    }

    /// A count of things that each take a byte or more of what is left.
    pub(super) fn count(&mut self) -> Result<usize, FrameError> {
        let count = self.number()? as usize;
        if count > self.len() { Err(END) } else { Ok(count) }
    }

    /// Appends `count` numbers, each below `bound`, to `out`.
    #[inline]
    pub(super) fn numbers(
        &mut self,
        count: usize,
        bound: usize,
        out: &mut Vec<u32>,
    ) -> Result<(), FrameError> {
        if count > self.len() {
            return Err(END);
        }
        out.reserve(count);
        for _ in 0..count {
            let number = self.number()?;
            if number as usize >= bound {
                return Err(FrameError::Malformed("a number beyond its table"));
            }
            out.push(number);
        }
        Ok(())
    }
}
