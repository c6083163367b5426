/**
 * One line for people about any value: messages, events and outcomes by their `type`, byte strings as hex, the
 * first 32 bytes of them.
 */
export function print(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `'${value}'`;
    case 'bigint':
      return `${value}n`;
    case 'function':
      return `function ${value.name}`;
    case 'object':
      return value === null ? 'null' : printObject(value);
    default:
      return String(value);
  }
}

const maxBytes = 32;

function printObject(value: object): string {
  if (value instanceof Uint8Array) {
    const hex = [...value.subarray(0, maxBytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return value.length > maxBytes ? `0x${hex}… (${value.length} bytes)` : `0x${hex}`;
  }
  if (value instanceof Error) {
    const { code } = value as { readonly code?: unknown };
    return `${value.name}${typeof code === 'string' ? ` ${code}` : ''}: ${value.message}`;
  }
  if (Array.isArray(value)) return `[${value.map(print).join(', ')}]`;
  const { type, ...rest } = value as { readonly type?: unknown };
  const name = typeof type === 'string' ? `${type} ` : '';
  const properties = Object.entries(typeof type === 'string' ? rest : value)
    .filter(([, content]) => content !== undefined && typeof content !== 'function')
    .map(([key, content]) => `${key}: ${print(content)}`);
  return properties.length === 0 ? `${name}{}` : `${name}{ ${properties.join(', ')} }`;
}
