local first = KEYS[1]
return {first or 'none', ARGV[1] or 'none', #KEYS, #ARGV}
