// What the scripts of the JavaScript libraries share: the settings of the job, and the tool.
import { writeFileSync } from 'node:fs'

export const URL = process.env.GATEWAY_URL
export const KEY = process.env.GATEWAY_KEY
export const MODEL = process.env.GATEWAY_MODEL
export const PROMPT = process.env.JOB_PROMPT
export const SYSTEM = 'You are a careful assistant.'

export const PARAMETERS = {
  type: 'object',
  properties: { path: { type: 'string' }, content: { type: 'string' } },
  required: ['path', 'content'],
  additionalProperties: false,
}

export function writeFile({ path, content }) {
  writeFileSync(path, content)
  return `wrote ${content.length} characters`
}
