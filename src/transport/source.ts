/**
 * What limits per address count as one: an IPv4 address, the first 64 bits of an IPv6 address (whoever has one has all
 * with the same, RFC 6177), or a name.
 * @param address `host:port` with an IPv6 host in brackets, or a name
 */
export function sourceOf(address: string): string {
  const [, bracketed] = /^\[([^\]%]+)[^\]]*\](?::\d+)?$/.exec(address) ?? [];
  if (bracketed === undefined) return address.replace(/:\d+$/, '');
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bracketed) ?? [];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = bracketed.split('::');
  const groups = (part: string | undefined) => (part === undefined || part === '' ? [] : part.split(':'));
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array.from({ length: missing }, () => '0'), ...groups(tail)];
  return `${all
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
