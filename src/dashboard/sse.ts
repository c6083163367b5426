/** Server-Sent Events out of the bytes of an answer (HTML standard §9.2.6): `EventSource` could send no token. */

/** An event of a stream. */
export interface ServerEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Characters of an event at most: what comes is more than any server of ours sends. */
const maxLength = 16 * 2 ** 20;

/** Takes text as it comes. @returns the events that are complete; throws RangeError when one never ends */
export function eventParser(): (text: string) => readonly ServerEvent[] {
  let rest = '';
  return (text) => {
    rest += text;
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    if (rest.length > maxLength) throw new RangeError('an event of the server does not end');
    return blocks.flatMap((block) => {
      const event = { id: '', event: 'message', data: '' };
      let hasData = false;
      for (const line of block.split(/\r?\n/)) {
        const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
        if (name === 'data') {
          event.data += `${hasData ? '\n' : ''}${value}`;
          hasData = true;
        } else if (name === 'id' || name === 'event') event[name] = value;
      }
      return hasData ? [event] : [];
    });
  };
}
