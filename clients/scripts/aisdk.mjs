// The AI SDK: streamText with a tool, over the protocol that is named.
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { KEY, MODEL, PARAMETERS, PROMPT, SYSTEM, URL, writeFile } from './tools.mjs'

const models = {
  chat: () => createOpenAI({ baseURL: `${URL}/v1`, apiKey: KEY }).chat(MODEL),
  responses: () => createOpenAI({ baseURL: `${URL}/v1`, apiKey: KEY }).responses(MODEL),
  anthropic: () => createAnthropic({ baseURL: `${URL}/v1`, apiKey: KEY })(MODEL),
  google: () => createGoogleGenerativeAI({ baseURL: `${URL}/v1beta`, apiKey: KEY })(MODEL),
}
const write_file = tool({
  description: 'Write a text file',
  inputSchema: jsonSchema(PARAMETERS),
  execute: writeFile,
})
const answer = streamText({
  model: models[process.argv[2]](),
  instructions: SYSTEM,
  prompt: PROMPT,
  tools: { write_file },
  stopWhen: stepCountIs(5),
  maxRetries: 0,
  onError({ error }) {
    console.error(error)
    process.exitCode = 1
  },
})
await answer.consumeStream()
console.log(await answer.text)
