if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
-- The attempt that rejected what the Deployment asks for, or its equal but for what needs no trial.
for _, it in ipairs(obj.status.revisions.rejected) do
  if it.revision == obj.status.progress.revision then
    obj.metadata.annotations["siskin.dev/retry"] = it.rolloutId
  end
end
return obj
