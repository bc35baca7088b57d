/**
 * Objects as they come over the wire. A list is read object by object: as one text, and then as one value, it would take
 * many times the memory of all that is kept of it.
 */

const [QUOTE, BACKSLASH, LIST] = [0x22, 0x5c, 0x5b];
/** Either of the brackets that open, and that close, with the bit set in which the two differ. */
const [OPENS, CLOSES, EITHER] = [0x7b, 0x7d, 0x20];
/** How deep the items of a list stand: `{"items":[{`. */
const ITEM = 3;
/** No item is larger: etcd takes 1.5 MiB. What seems to be is looked at byte by byte. */
const LARGEST = 4 * 2 ** 20;
const MANAGED_FIELDS = Buffer.from('"managedFields":[{');
const NOTHING = Buffer.alloc(0);
const END = Buffer.from('},');
const COLON = 0x3a;

/** A list without its items. */
export interface ListFrame {
  readonly metadata?: {readonly resourceVersion?: string; readonly continue?: string};
}

/**
 * Reads a list from its bytes, in whatever pieces they come, and gives each item away before it looks at the next. Where
 * one ends is guessed by how the first began, for a server writes the fields of all in the same order; the parser says
 * whether that was right. To look at each byte, as is done where it was not, takes as long as the parser.
 */
export class ListReader {
  readonly #take: (item: unknown) => void;
  /** What has come of an item that has not ended. */
  #begun: Buffer = NOTHING;
  /** What stands around the items. */
  #frame = '';
  #depth = 0;
  #inText = false;
  #inItems = false;
  /** The piece before ended with a backslash. */
  #escaped = false;
  /** What stands between two items: the end of one, and how the next begins. Nothing: no other comes. */
  #between: Buffer | undefined;
  /** Of what has come of an item nothing was looked at. */
  #waits = false;

  constructor(take: (item: unknown) => void) {
    this.#take = take;
  }

  /** @throws SyntaxError when an item is not JSON */
  push(piece: Buffer): void {
    const from = this.#begun.length;
    const bytes = from === 0 ? piece : Buffer.concat([this.#begun, piece]);
    let [depth, inText, inItems] = [this.#depth, this.#inText, this.#inItems];
    let begin = from === 0 ? -1 : 0;
    let outside = 0;
    let at = this.#waits ? 0 : from + (this.#escaped ? 1 : 0);
    this.#waits = false;
    for (; at < bytes.length; at++) {
      if (inText) {
        at = endOfText(bytes, at);
        if (at >= bytes.length) break;
        inText = false;
        continue;
      }
      const byte = bytes[at] ?? 0;
      if (byte === QUOTE) {
        inText = true;
      } else if ((byte | EITHER) === OPENS) {
        depth++;
        if (inItems) {
          if (depth !== ITEM) continue;
          begin = at;
          const end = this.#guess(bytes, begin, from);
          if (end === undefined) continue;
          depth--;
          if (end === bytes.length) break;
          begin = -1;
          at = end;
        } else if (depth === ITEM - 1 && byte === LIST) {
          this.#frame += bytes.toString('latin1', outside, at + 1);
          outside = at + 1;
          inItems = /"items"\s*:\s*\[$/.test(this.#frame);
        }
      } else if ((byte | EITHER) === CLOSES) {
        depth--;
        if (!inItems) continue;
        if (depth === ITEM - 1) {
          const item = bytes.subarray(begin, at + 1);
          this.#between ??= Buffer.concat([END, item.subarray(0, item.indexOf(COLON) + 1)]);
          this.#take(parseObject(item));
          begin = -1;
        } else if (depth === ITEM - 2) {
          inItems = false;
          outside = at;
        }
      }
    }
    if (!inItems) this.#frame += bytes.toString('latin1', outside);
    this.#begun = begin < 0 ? NOTHING : bytes.subarray(begin);
    [this.#depth, this.#inText, this.#inItems, this.#escaped] = [depth, inText, inItems, at > bytes.length];
  }

  /**
   * Where the item ends that begins there, when it was given away; the end of the bytes, when more has to come before that
   * can be said; undefined when it has to be looked for.
   */
  #guess(bytes: Buffer, begin: number, known: number): number | undefined {
    if (this.#between === undefined || this.#between === NOTHING) return undefined;
    const end = bytes.indexOf(this.#between, Math.max(begin, known - this.#between.length));
    if (end < 0) {
      this.#waits = bytes.length - begin < LARGEST;
      return this.#waits ? bytes.length : undefined;
    }
    let item: unknown;
    try {
      item = parseObject(bytes.subarray(begin, end + 1));
    } catch {
      // What looked like the next item stands in this one.
      return undefined;
    }
    this.#take(item);
    return end;
  }

  /** All has come. @throws SyntaxError when it was not JSON, or not all of it */
  end(): ListFrame {
    // Behind the last item there is no other.
    this.#between = NOTHING;
    if (this.#waits) this.push(NOTHING);
    return JSON.parse(this.#frame) as ListFrame;
  }
}

/**
 * An object without its managed fields: they are often half of it, and are read live where they matter.
 * @throws SyntaxError when it is not JSON
 */
export function parseObject(bytes: Buffer): unknown {
  const found = bytes.indexOf(MANAGED_FIELDS);
  if (found < 0) return JSON.parse(bytes.toString());
  const list = found + MANAGED_FIELDS.length - 1;
  return JSON.parse(`${bytes.toString('utf8', 0, list)}${bytes.toString('utf8', endOfList(bytes, list))}`);
}

/** Where the list ends of which this is the first item. */
function endOfList(bytes: Buffer, first: number): number {
  let depth = 1;
  for (let at = first; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) at = endOfText(bytes, at + 1);
    else if ((byte | EITHER) === OPENS) depth++;
    else if ((byte | EITHER) === CLOSES && --depth === 0) return at;
  }
  return bytes.length;
}

/** Where the text ends in which this stands: at its quote, or past all bytes, by one where the next is escaped. */
function endOfText(bytes: Buffer, from: number): number {
  let at = from;
  for (; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return at;
}
