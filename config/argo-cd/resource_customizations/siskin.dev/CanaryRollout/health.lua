-- Health of a CanaryRollout: its phase, and its conditions as kstatus reads them. Reconciling and Stalled are there only while
-- True, and never both.
local hs = { status = "Progressing", message = "Waiting for the operator to see this generation" }
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return hs
end

local is = {}
local notReady = nil
for _, condition in ipairs(obj.status.conditions or {}) do
  if condition.status == "True" then
    is[condition.type] = condition.reason
  elseif condition.type == "Ready" then
    notReady = condition.message
  end
end
local phase = obj.status.phase
hs.message = obj.status.message or phase or hs.message

-- A person is needed: a rejected revision, a missing Deployment, an invalid spec.
if is["Stalled"] then
  hs.status = "Degraded"
  return hs
end
if is["Reconciling"] then
  -- spec.suspend stops what has not begun: an adoption, a promotion and a rollback go on.
  local begun = phase == "Adopting" or phase == "Promoting" or phase == "RollingBack" or phase == "Terminating"
  local suspended = obj.spec.suspend == true and not begun
  -- Paused waits for an approval or for evidence, TargetPaused for kubectl rollout resume.
  if phase == "Paused" or suspended or is["Reconciling"] == "TargetPaused" then
    hs.status = "Suspended"
  end
  return hs
end
if is["Completed"] and not is["Promoted"] then
  hs.status = "Degraded"
elseif is["Completed"] and is["Ready"] then
  hs.status = "Healthy"
elseif is["Completed"] and notReady ~= nil then
  hs.message = notReady
end
return hs
