<#
.SYNOPSIS
A file holds exactly the wanted text, in UTF-8 without a byte order mark, or does not exist.
.NOTES
Source: containerd and the kubelet read UTF-8 without a mark; 5.1's Set-Content writes one,
learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_character_encoding
#>
function Get-WnFile {
    param([hashtable]$Key, [hashtable]$Want)
    $values = @{ state = 'absent' }
    if ([IO.File]::Exists($Key['path'])) {
        $values['state'] = 'present'
        if ($Want.ContainsKey('content')) {
            $bytes = [IO.File]::ReadAllBytes($Key['path'])
            $values['content'] = (New-Object -TypeName Text.UTF8Encoding -ArgumentList $false).GetString($bytes)
        }
    }
    @{ state = 'settled'; values = $values }
}
function Set-WnFile {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    if ($Want['state'] -eq 'absent') {
        [IO.File]::Delete($Key['path'])
        return
    }
    # Written beside and put in place whole: no reader ever sees half a file.
    $new = $Key['path'] + '.wincnode-new'
    try {
        [IO.File]::WriteAllText($new, [string]$Want['content'], (New-Object -TypeName Text.UTF8Encoding -ArgumentList $false))
        if ([IO.File]::Exists($Key['path'])) {
            [IO.File]::Replace($new, $Key['path'], [NullString]::Value)
        } else {
            [IO.File]::Move($new, $Key['path'])
        }
    } catch {
        # The text may be a secret.
        [IO.File]::Delete($new)
        throw
    }
}
