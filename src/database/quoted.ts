/** An identifier as SQL takes any: in double quotes, so that neither a hyphen nor a capital changes what it names. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
