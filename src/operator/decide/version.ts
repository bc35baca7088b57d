/** The version that an image is of: the operator's own for its own image, else its tag, else the start of its digest. */
export function versionOf(image: string, own: {image: string; version: string}): string {
  if (image === own.image) return own.version;
  const [name = '', digest] = image.split('@');
  const tag = /:([^:/]+)$/.exec(name)?.[1];
  return tag ?? digest?.replace('sha256:', '').slice(0, 12) ?? 'latest';
}
