// A process that reads addresses with @multiformats/multiaddr: an input a line, as JSON, and its outcome a line.
//
// It is run with `node --input-type=module --eval`, in the directory where npm installed the package:
// that is where the import below looks. An input is {"text": …} or {"hex": …};
// an outcome is null, or the bytes in hex and the text, which is null where it cannot be written.

import { createInterface } from 'node:readline'
import { multiaddr } from '@multiformats/multiaddr'

function read (input) {
  // A copy of its own: a `Buffer` shares its memory with others, and the library would read beyond its end.
  return multiaddr('text' in input ? input.text : Uint8Array.from(Buffer.from(input.hex, 'hex')))
}

function outcome (input) {
  let address, hex
  try {
    address = read(input)
    hex = Buffer.from(address.bytes).toString('hex')
  } catch {
    return null
  }
  try {
    return [hex, address.toString()]
  } catch {
    return [hex, null]
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(outcome(JSON.parse(line))) + '\n')
}
