-- What can be commanded now. A command is an annotation that names the attempt, and where it is about a step, the step.
local status = obj.status or {}
local progress = status.progress or {}
local given = obj.metadata.annotations or {}
local id = status.rolloutId
local phase = status.phase

local preparing = id ~= nil and phase == "Preparing"
local inStep = id ~= nil and progress.step ~= nil and (phase == "Progressing" or phase == "Paused")
local promoting = id ~= nil and phase == "Promoting"
local asksForApproval = false
local here = nil
if inStep then
  here = id .. "/" .. (progress.step + 1)
  local steps = (progress.plan or {}).steps or {}
  local step = steps[progress.step + 1]
  asksForApproval = step ~= nil and step.approval == "Required"
end
local rejected = false
if phase == "Failed" then
  for _, it in ipairs((status.revisions or {}).rejected or {}) do
    if it.revision == progress.revision then
      rejected = given["siskin.dev/retry"] ~= it.rolloutId
    end
  end
end

local actions = {}
actions["abort"] = {
  ["disabled"] = not (preparing or inStep or promoting) or given["siskin.dev/abort"] == id,
  ["displayName"] = "Abort: roll back now",
  ["iconClass"] = "fa fa-fw fa-times-circle"
}
actions["approve"] = {
  ["disabled"] = not asksForApproval or given["siskin.dev/approve"] == here,
  ["displayName"] = "Approve this step",
  ["iconClass"] = "fa fa-fw fa-check-circle"
}
actions["promote"] = {
  ["disabled"] = not inStep or given["siskin.dev/promote"] == here,
  ["displayName"] = "Promote: skip this hold",
  ["iconClass"] = "fa fa-fw fa-step-forward"
}
actions["promote-full"] = {
  ["disabled"] = not (preparing or inStep) or given["siskin.dev/promote"] == id .. "/full",
  ["displayName"] = "Promote now, without further comparison",
  ["iconClass"] = "fa fa-fw fa-fast-forward"
}
actions["start"] = {
  ["disabled"] = not preparing or given["siskin.dev/start"] == id,
  ["displayName"] = "Start although preflight holds",
  ["iconClass"] = "fa fa-fw fa-play-circle"
}
actions["retry"] = {
  ["disabled"] = not rejected,
  ["displayName"] = "Retry the rejected version",
  ["iconClass"] = "fa fa-fw fa-redo"
}
return actions
