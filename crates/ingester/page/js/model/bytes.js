// Protobuf's wire format, read in place. What does not add up ends in `Malformed`, never in a loop: each
// step goes on by at least one byte.

/** Bytes that are not what they should be. */
export class Malformed extends Error {}

/** The fields of one message. `next` moves to the following one; then `number` and its value hold. */
export class Fields {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
    this.end = 0;
    /** Field number. */
    this.number = 0;
    /** 0 varint, 1 fixed64, 2 bytes, 5 fixed32. */
    this.wire = 0;
    /** Bytes of a field of wire type 2. */
    this.from = 0;
    this.to = 0;
    /** Halves of a number. */
    this.lo = 0;
    this.hi = 0;
  }

  /**
   * @param {number} at
   * @param {number} end
   */
  reset(at, end) {
    if (end > this.bytes.length || at > end) throw new Malformed("a message ends behind its bytes");
    this.at = at;
    this.end = end;
    return this;
  }

  /** Moves to the next field; false at the end. */
  next() {
    if (this.at >= this.end) return false;
    this.varint();
    const key = this.lo;
    this.number = key >>> 3;
    this.wire = key & 7;
    if (this.number === 0 || this.hi !== 0) throw new Malformed("a field without a number");
    switch (this.wire) {
      case 0:
        this.varint();
        break;
      case 1:
        this.lo = this.fixed(this.at);
        this.hi = this.fixed(this.at + 4);
        this.at += 8;
        break;
      case 2: {
        this.varint();
        const length = this.hi * 4294967296 + this.lo;
        this.from = this.at;
        this.to = this.at + length;
        this.at = this.to;
        break;
      }
      case 5:
        this.lo = this.fixed(this.at);
        this.hi = 0;
        this.at += 4;
        break;
      default:
        throw new Malformed(`wire type ${this.wire}`);
    }
    if (this.at > this.end) throw new Malformed("a field ends behind its message");
    return true;
  }

  varint() {
    const { bytes, end } = this;
    let byte = bytes[this.at++] ?? 0;
    if (byte < 128) {
      if (this.at > end) throw new Malformed("a number ends behind its message");
      this.lo = byte;
      this.hi = 0;
      return;
    }
    let lo = byte & 127;
    let hi = 0;
    let shift = 7;
    do {
      if (this.at >= end || shift > 63) throw new Malformed("a number that does not end");
      byte = bytes[this.at++] ?? 0;
      const bits = byte & 127;
      if (shift < 28) lo |= bits << shift;
      else if (shift === 28) {
        lo |= (bits << 28) >>> 0;
        hi |= bits >>> 4;
      } else hi |= bits << (shift - 32);
      shift += 7;
    } while (byte >= 128);
    this.lo = lo >>> 0;
    this.hi = hi >>> 0;
  }

  /** @param {number} at */
  fixed(at) {
    const b = this.bytes;
    return ((b[at] ?? 0) | ((b[at + 1] ?? 0) << 8) | ((b[at + 2] ?? 0) << 16) | ((b[at + 3] ?? 0) << 24)) >>> 0;
  }

  /** The value as a number: exact up to 2^53. */
  number64() {
    return this.hi * 4294967296 + this.lo;
  }

  /** The value as a signed integer of 64 bits. */
  int64() {
    return BigInt.asIntN(64, (BigInt(this.hi) << 32n) | BigInt(this.lo));
  }

  /** The value as an unsigned integer of 64 bits. */
  uint64() {
    return (BigInt(this.hi) << 32n) | BigInt(this.lo);
  }

  text() {
    return text(this.bytes, this.from, this.to);
  }
}

const decoder = new TextDecoder();

/**
 * UTF-8 as text; what is not UTF-8 is shown as U+FFFD.
 * @param {Uint8Array} bytes
 * @param {number} from
 * @param {number} to
 */
export function text(bytes, from, to) {
  return decoder.decode(bytes.subarray(from, to));
}

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

/**
 * @param {Uint8Array} bytes
 * @param {number} from
 * @param {number} to
 */
export function hex(bytes, from, to) {
  let out = "";
  for (let i = from; i < to; i++) out += HEX[bytes[i] ?? 0];
  return out;
}

/**
 * A span id of two halves, as 16 hex digits.
 * @param {number} hi
 * @param {number} lo
 */
export function hex64(hi, lo) {
  return hi.toString(16).padStart(8, "0") + lo.toString(16).padStart(8, "0");
}

/** Writes protobuf: what readers of other formats make. */
export class Writer {
  constructor() {
    this.bytes = new Uint8Array(1024);
    this.at = 0;
  }

  /** @param {number} more */
  room(more) {
    if (this.at + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.at + more));
    larger.set(this.bytes);
    this.bytes = larger;
  }

  /** @param {bigint} value */
  varint(value) {
    this.room(10);
    let rest = BigInt.asUintN(64, value);
    while (rest > 127n) {
      this.bytes[this.at++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.bytes[this.at++] = Number(rest);
  }

  /** @param {number} field @param {bigint | number | boolean} value */
  int(field, value) {
    this.varint(BigInt(field << 3));
    this.varint(BigInt(value));
  }

  /** @param {number} field @param {bigint} value */
  fixed64(field, value) {
    this.varint(BigInt((field << 3) | 1));
    this.room(8);
    new DataView(this.bytes.buffer).setBigUint64(this.at, BigInt.asUintN(64, value), true);
    this.at += 8;
  }

  /** @param {number} field @param {number} value */
  double(field, value) {
    this.varint(BigInt((field << 3) | 1));
    this.room(8);
    new DataView(this.bytes.buffer).setFloat64(this.at, value, true);
    this.at += 8;
  }

  /** @param {number} field @param {Uint8Array} value */
  raw(field, value) {
    this.varint(BigInt((field << 3) | 2));
    this.varint(BigInt(value.length));
    this.room(value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  /** @param {number} field @param {string} value */
  text(field, value) {
    this.raw(field, new TextEncoder().encode(value));
  }

  /** @param {number} field @param {(inner: Writer) => void} write */
  message(field, write) {
    const inner = new Writer();
    write(inner);
    this.raw(field, inner.done());
  }

  done() {
    return this.bytes.slice(0, this.at);
  }
}
