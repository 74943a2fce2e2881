"""The documented members of a Gemini generateContent request, from the reference and the vendor's SDK."""

from twoapi.testing.shapes import ANY, Each, Either, Shape, members

_BLOB = members("mimeType data displayName")
_FILE = members("fileUri mimeType displayName")
_MODIFIERS = "mediaProcessing videoMetadata documentMetadata spreadsheetMetadata audioMetadata"
_RESOLUTION = members("level numTokens")
_RESULT_PART = members(_MODIFIERS, inlineData=_BLOB, fileData=_FILE, mediaResolution=_RESOLUTION)
_PART = members(
    f"text thought thoughtSignature partMetadata audioTranscription speechMetadata {_MODIFIERS}",
    inlineData=_BLOB,
    fileData=_FILE,
    mediaResolution=_RESOLUTION,
    functionCall=members("id name args partialArgs willContinue"),
    functionResponse=members("id name response willContinue scheduling", parts=Each(_RESULT_PART)),
    executableCode=members("id language code"),
    codeExecutionResult=members("id outcome output"),
    toolCall=members("id toolType args"),
    toolResponse=members("id toolType response"),
)
_CONTENT = members("role", parts=Each(_PART))
_FUNCTION = members("name description parameters parametersJsonSchema response responseJsonSchema behavior")
_TOOL = members(
    "googleSearchRetrieval urlContext codeExecution mcpServers retrieval enterpriseWebSearch parallelAiSearch "
    "exaAiSearch",
    functionDeclarations=Each(_FUNCTION),
    googleSearch=members("searchTypes timeRangeFilter blockingConfidence excludeDomains"),
    googleMaps=members("authConfig enableWidget groundingTypes"),
    fileSearch=members("fileSearchStoreNames topK metadataFilter"),
    computerUse=members(
        "environment excludedPredefinedFunctions enablePromptInjectionDetection disabledSafetyPolicies"
    ),
)
_CONFIG = members(
    "temperature topP topK candidateCount maxOutputTokens stopSequences seed presencePenalty frequencyPenalty "
    "responseLogprobs logprobs responseMimeType responseSchema responseJsonSchema responseModalities responseFormat "
    "speechConfig imageConfig mediaResolution audioTimestamp audioTranscriptionConfig translationConfig "
    "routingConfig modelConfig modelSelectionConfig enableAffectiveDialog enableEnhancedCivicAnswers",
    thinkingConfig=members("includeThoughts thinkingBudget thinkingLevel"),
)
GEMINI_REQUEST: Shape = members(
    "cachedContent serviceTier store labels model continuationToken modelArmorConfig outputConfig",
    contents=Either((Each(_CONTENT), _CONTENT)),
    systemInstruction=_CONTENT,
    tools=Either((Each(_TOOL), _TOOL)),
    toolConfig=members(
        "includeServerSideToolInvocations",
        functionCallingConfig=members("mode allowedFunctionNames streamFunctionCallArguments"),
        retrievalConfig=members("latLng languageCode"),
    ),
    generationConfig=_CONFIG,
    safetySettings=ANY,
)
