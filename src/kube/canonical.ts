/** An object as JSON with its keys in order: the same text for the same value. Fields that are undefined are left out. */
export function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  // One text that grows: every pass hashes all that is desired, and lists of its parts would be most of what it makes.
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '' : ','}${canonical(item)}`;
    return `[${text}]`;
  }
  const record = value as Record<string, unknown>;
  for (const name of inOrder(Object.keys(record))) {
    const field = record[name];
    if (field !== undefined) text += `${text === '' ? '' : ','}${label(name)}${canonical(field)}`;
  }
  return `{${text}}`;
}

/**
 * What fields an object has, whatever is in them: its keys in order, with the texts, numbers and truth values left out.
 * Lists stand there whole, for of which of their items is which only the API server knows.
 */
export function outline(value: unknown): string {
  if (typeof value !== 'object') return '';
  if (value === null || Array.isArray(value)) return canonical(value);
  const record = value as Record<string, unknown>;
  const names = inOrder(Object.keys(record)).filter((name) => record[name] !== undefined);
  return `{${names.map((name) => `${label(name)}${outline(record[name])}`).join()}}`;
}

// The names of fields are few, and stand in every object.
const labels = new Map<string, string>();
const MAX_LABELS = 2000;

/** The name of a field as JSON, with its colon. */
function label(name: string): string {
  const known = labels.get(name);
  if (known !== undefined) return known;
  const written = `${JSON.stringify(name)}:`;
  if (labels.size < MAX_LABELS) labels.set(name, written);
  return written;
}

/** What `sort` makes of a list of one's own, without the copies that it works on: for the few keys of an object. */
function inOrder(names: string[]): string[] {
  if (names.length > 32) return names.sort();
  for (let end = 1; end < names.length; end++) {
    const name = names[end] ?? '';
    let at = end;
    for (; at > 0 && (names[at - 1] ?? '') > name; at--) names[at] = names[at - 1] ?? '';
    names[at] = name;
  }
  return names;
}
