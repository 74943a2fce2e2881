// openai: Chat Completions with runTools, streamed.
import OpenAI from 'openai'
import { KEY, MODEL, PARAMETERS, PROMPT, SYSTEM, URL, writeFile } from './tools.mjs'

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: KEY, maxRetries: 0 })
const described = { name: 'write_file', description: 'Write a text file', parameters: PARAMETERS, parse: JSON.parse }
const runner = client.chat.completions.runTools({
  model: MODEL,
  stream: true,
  stream_options: { include_usage: true },
  messages: [{ role: 'system', content: SYSTEM }, { role: 'user', content: PROMPT }],
  tools: [{ type: 'function', function: { ...described, function: writeFile } }],
})
console.log(await runner.finalContent())
