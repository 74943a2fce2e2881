// openai: Responses, streamed, stateless with encrypted reasoning.
import OpenAI from 'openai'
import { KEY, MODEL, PARAMETERS, PROMPT, SYSTEM, URL, writeFile } from './tools.mjs'

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: KEY, maxRetries: 0 })
const tool = { type: 'function', name: 'write_file', description: 'Write', parameters: PARAMETERS, strict: true }
const input = [{ role: 'user', content: PROMPT }]
for (;;) {
  const stream = client.responses.stream({
    model: MODEL,
    instructions: SYSTEM,
    input,
    tools: [tool],
    store: false,
    include: ['reasoning.encrypted_content'],
    reasoning: { effort: 'low' },
  })
  const response = await stream.finalResponse()
  if (response.status !== 'completed') throw new Error(`${response.status}: ${response.error?.message}`)
  const calls = response.output.filter((item) => item.type === 'function_call')
  if (calls.length === 0) {
    console.log(response.output_text)
    break
  }
  for (const { parsed_arguments, ...item } of response.output) {
    if (item.type === 'message') item.content = item.content.map(({ parsed, ...part }) => part)
    input.push(item)
  }
  for (const call of calls) {
    const output = writeFile(JSON.parse(call.arguments))
    input.push({ type: 'function_call_output', call_id: call.call_id, output })
  }
}
