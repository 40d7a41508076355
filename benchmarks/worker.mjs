// A process that measures @multiformats/multiaddr: what worker.py is for the Python libraries.
//
// It is run with `node --input-type=module --eval`, in a directory where npm installed the package:
// that is where the import below looks. Its argument is the file of cases.

import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { multiaddr } from '@multiformats/multiaddr'

let sink // what is computed is kept, so that computing it is not left out

const operations = {
  'parse': (it) => multiaddr(it.text),
  'read-write': (it) => multiaddr(it.raw).toString(),
  'write': (it) => it.address.toString(),
  'read': (it) => multiaddr(it.raw),
  'encapsulate': (it) => it.address.encapsulate(it.tail),
  'encapsulate-text': (it) => it.address.encapsulate(it.tail_text),
  'decapsulate': (it) => it.address.decapsulate(it.last),
  'decapsulate-text': (it) => it.address.decapsulate(it.last_text),
  'value': (it) => it.address.getComponents().find((component) => component.name === it.protocol).value,
  'iterate': (it) => {
    for (const component of it.address.getComponents()) sink = component
  },
  'iterate-values': (it) => it.address.getComponents().map(({ name, value }) => [name, value]),
  'equality': (it) => it.address.equals(it.other)
}

const cases = readFileSync(process.argv[1], 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))

function prepare (it) {
  const address = multiaddr(it.text)
  return {
    ...it, address, raw: address.bytes, other: multiaddr(it.text), last: multiaddr(it.last_text), tail: multiaddr(it.tail_text)
  }
}

const prepared = new Map()

function usable (operation, start, stop) {
  const key = `${operation} ${start} ${stop}`
  if (!prepared.has(key)) {
    prepared.set(key, cases.slice(start, stop).flatMap((it) => {
      try {
        const ready = prepare(it)
        sink = operations[operation](ready)
        return [ready]
      } catch {
        return []
      }
    }))
  }
  return prepared.get(key)
}

function run (operation, ready, loops) {
  const begin = performance.now()
  for (let loop = 0; loop < loops; loop++) {
    for (let place = 0; place < ready.length; place++) sink = operation(ready[place])
  }
  return (performance.now() - begin) / 1000
}

function time ({ operation, start, stop, loops, seconds }) {
  const ready = operation in operations ? usable(operation, start, stop) : []
  if (ready.length === 0) return { seconds: 0, loops: 0, inner_loops: 0, addresses: 0 }
  if (loops === null) {
    loops = 1
    let elapsed = run(operations[operation], ready, loops)
    while (elapsed < seconds / 2) {
      loops *= 2
      elapsed = run(operations[operation], ready, loops)
    }
    loops = Math.max(1, Math.round(loops * seconds / elapsed))
  }
  const each = run(operations[operation], ready, loops) / (loops * ready.length)
  return { seconds: each, loops, inner_loops: 1, addresses: ready.length }
}

function memory ({ texts }) {
  const kept = new Array(texts.length).fill(null)
  globalThis.gc()
  const before = process.memoryUsage()
  texts.forEach((text, place) => {
    kept[place] = multiaddr(text)
    sink = kept[place].bytes
  })
  globalThis.gc()
  const after = process.memoryUsage()
  const allocated = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers
  return { sizes: null, allocated: allocated / kept.length }
}

const answers = { time, memory }

const answer = (value) => process.stdout.write(JSON.stringify(value) + '\n')
const { version } = JSON.parse(readFileSync('node_modules/@multiformats/multiaddr/package.json'))
answer({ versions: [version, `node ${process.versions.node}`], operations: Object.keys(operations) })
for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...request } = JSON.parse(line)
  answer(answers[name](request))
}
