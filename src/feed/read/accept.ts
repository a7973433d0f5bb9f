/** A stream is for who asks for one by name; everything else is JSON, whatever else the client would take. */
export function wantsEvents(accept: string | undefined): boolean {
  if (accept === undefined || !accept.toLowerCase().includes('text/event-stream')) return false;
  return accept.split(',').some((range) => {
    const [type, ...parameters] = range.toLowerCase().split(';').map((part) => part.trim());
    return type === 'text/event-stream' && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}
