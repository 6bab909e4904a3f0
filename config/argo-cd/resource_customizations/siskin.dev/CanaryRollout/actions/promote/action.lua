if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["siskin.dev/promote"] = obj.status.rolloutId .. "/" .. (obj.status.progress.step + 1)
return obj
